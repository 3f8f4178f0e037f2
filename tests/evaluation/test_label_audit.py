import pytest
import torch
from torch import nn

from asl import (
    SHAPES,
    SIGNS,
    ASLDataset,
    NearestNeighbour,
    audit_dataset,
    cross_validate,
    find_label_issues,
)


def confident(predictions, confidence=0.9):
    probs = torch.full((len(predictions), 36), (1 - confidence) / 35)
    return probs.scatter(1, torch.tensor(predictions).unsqueeze(1), confidence).log()


def test_the_least_probable_label_comes_first():
    log_probs = torch.cat([confident([3]), confident([4, 5], 0.99)])
    found = find_label_issues(torch.tensor([3, 4, 6]), log_probs)
    assert found.order.tolist() == [2, 0, 1]
    assert found.scores[1:].tolist() == pytest.approx([0.9, 0.99])
    assert [SHAPES[shape] for shape in found.suspected] == ["5", "3", "4"]


def test_look_alikes_are_not_issues():
    zero, o = SIGNS.index("0"), SIGNS.index("o")
    found = find_label_issues(torch.tensor([o, 5]), confident([zero, 5]))
    assert found.order.tolist() == [1, 0] and found.scores.min() >= 0.9 - 1e-6


def test_shapes_are_taken_as_they_are():
    log_probs = confident([0, 7])[:, :33].log_softmax(dim=1)
    assert find_label_issues(torch.tensor([0, 1]), log_probs).order.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "log_probs", "words"),
    [
        ([0], torch.zeros(1, 36), "found a sum of 36 for image 0"),
        ([36], confident([0]), "from 0 to 35, found 36 to 36"),
        ([0, 1], confident([0]), r"found \(1, 36\) and \(2,\)"),
        ([0], torch.zeros(1, 1), "36 labels or 33 shapes, found 1"),
    ],
)
def test_answers_that_do_not_fit(labels, log_probs, words):
    with pytest.raises(ValueError, match=words):
        find_label_issues(torch.tensor(labels), log_probs)


def test_a_folder_is_audited_in_one_call(write_images):
    folder = write_images(signs="abc0", bursts=3)
    moved = folder / "a" / "hand2_b_dif_seg_1_cropped.png"
    (folder / "b" / moved.name).rename(moved)
    with pytest.warns(UserWarning, match="4 of 36 signs"):
        table = audit_dataset(folder, make_model=NearestNeighbour, seeds=[0], progress=False)
    assert list(table.columns) == ["file", "given", "suspected", "score"]
    assert len(table) == len(set(table["file"])) == 60
    first = table.iloc[0]
    assert (first["file"], first["given"], first["suspected"]) == (str(moved), "a", "b")
    assert first["score"] < 0.01 and table["score"].is_monotonic_increasing
    assert set(table["given"]) == {"0/o", "a", "b", "c"}


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_probabilities_of_several_seeds_are_averaged_not_their_logarithms(people):
    drawn = []

    class Guess(nn.Module):
        """Gives "a" a probability that depends on the seed alone."""

        def __init__(self):
            super().__init__()
            self.a = 0.01 + 0.98 * torch.rand(())
            drawn.append(self.a.item())

        def fit(self, _):
            pass

        def forward(self, x):
            probabilities = torch.zeros(len(x), 36)
            probabilities[:, 10], probabilities[:, 11] = self.a, 1 - self.a
            return probabilities.log()

    table = audit_dataset(people, make_model=Guess, seeds=[0, 1], progress=False)
    first, second = sorted(set(drawn))
    assert second - first > 0.1
    (score,) = set(table["score"][table["given"] == "a"])
    assert score == pytest.approx((first + second) / 2)


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_answers_that_are_there_need_no_further_training(people):
    dataset = ASLDataset(people, progress=False)
    answers = cross_validate(NearestNeighbour, dataset, progress=False)
    table = audit_dataset(dataset, answers=answers)
    again = audit_dataset(
        dataset, make_model=NearestNeighbour, protocol="signer", seeds=[0], progress=False
    )
    assert table.equals(again)
    dataset.labels = dataset.labels[::-1]
    with pytest.raises(ValueError, match="60 images and labels of this dataset, found 60"):
        audit_dataset(dataset, answers=answers)
