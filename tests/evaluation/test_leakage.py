import pytest
import torch
from torch.utils.data import Subset, TensorDataset

from asl import ASLDataset, check_leakage, load_asl_data, normalize
from asl.evaluation.leakage import nearest_images
from asl.splits import bursts_of

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_leakage_of_a_random_split(people):
    train, test = load_asl_data(people)
    found = check_leakage(train, test)
    shared = set(bursts_of(train)) & set(bursts_of(test))
    assert found.test_images == 12 and found.identical == 0
    assert found.shared_bursts == len(shared) > 0
    assert found.in_shared_bursts == found.near_identical  # only burst mates look alike here
    assert found.shared_signers == (1, 2, 3)
    assert f"{found.near_identical} of 12 (" in str(found)


@pytest.mark.parametrize("options", [{"split": "burst"}, {"split": "signer", "test_signer": 1}])
def test_no_leakage_where_groups_stay_together(options, people):
    found = check_leakage(*load_asl_data(people, **options))
    assert (found.identical, found.near_identical, found.in_shared_bursts) == (0, 0, 0)
    assert found.shared_signers == ((1, 2, 3) if options["split"] == "burst" else ())


def test_identical_images_are_found_in_any_datasets():
    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    first = TensorDataset(normalize(pixels[:4]), torch.arange(4))
    second = TensorDataset(normalize(pixels[2:]), torch.arange(4))
    found = check_leakage(first, second)
    assert (found.identical, found.near_identical) == (2, 2)
    assert found.shared_bursts is found.in_shared_bursts is found.shared_signers is None
    assert "do not tell" in str(found)


def test_signer_one_of_another_folder_is_somebody_else(people, write_images, tmp_path):
    other = ASLDataset(write_images(folder=tmp_path / "other"))
    assert check_leakage(ASLDataset(people), other).shared_signers == ()


def test_nearest_image_and_its_distance(monkeypatch):
    monkeypatch.setattr("asl.evaluation.leakage._BLOCK", 2)
    grey = torch.tensor([0, 100, 200]).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    train = TensorDataset(normalize(grey), torch.zeros(3))
    test = TensorDataset(normalize(grey.flip(0) + 51), torch.zeros(3))
    distance, index = nearest_images(train, test)
    assert index.tolist() == [2, 2, 1]
    torch.testing.assert_close(distance, torch.tensor([51, 49, 49]) / 255, rtol=1e-3, atol=1e-4)


def test_parts_that_cannot_be_compared():
    small, large = (TensorDataset(torch.zeros(2, 3, s, s), torch.zeros(2)) for s in (4, 8))
    with pytest.raises(ValueError, match=r"\(3, 4, 4\) in training and \(3, 8, 8\) in test"):
        check_leakage(small, large)
    with pytest.raises(ValueError, match="found 2 and 0"):
        check_leakage(small, Subset(large, []))


@pytest.mark.real_images
def test_the_real_set(real_images):
    train, test = load_asl_data(real_images)
    found = check_leakage(train, test)
    assert found.in_shared_bursts == 498 and found.shared_signers == (1, 2, 3, 4, 5)
    assert found.near_identical == pytest.approx(336, abs=5)
    unseen = check_leakage(*load_asl_data(real_images, split="signer", test_signer=1))
    assert (unseen.near_identical, unseen.in_shared_bursts, unseen.shared_signers) == (0, 0, ())
