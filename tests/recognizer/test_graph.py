import numpy as np
import pytest
import torch
from torch import nn

from asl import ANSWERS, SIGNS, ASLMobileNet
from asl.decoding import normalize
from asl.recognizer.crops import cut, to_pixels
from asl.recognizer.graph import (
    Answer,
    confidence_of,
    edges,
    find_hands,
    whole_view,
)
from asl.recognizer.looking import Opinions, read_crops
from asl.recognizer.pyramid import Pyramid


def finder_of(*hands, cells=16):
    """Returns what finds these hands in every view: (row, column, log-odds, x, y, half)."""
    boxes, evidence = torch.zeros(1, 3, cells, cells), torch.full((1, cells, cells), -8.0)
    for row, column, sure, *box in hands:
        boxes[0, :, row, column], evidence[0, row, column] = torch.tensor(box), sure
    return lambda views: (boxes.repeat(len(views), 1, 1, 1), evidence.repeat(len(views), 1, 1))


VIEWS = torch.zeros(2, 3, 128, 128)


def test_the_surest_two_hands_are_found():
    surest, second, third = (0.5, 0.2, 0.3), (-0.6, -0.7, 0.2), (0.1, 0.1, 0.1)
    # A cell next to the surest one is of the same hand.
    finder = finder_of((2, 3, 1.0, *second), (9, 12, 4.0, *surest), (9, 13, 3.0, *third))
    boxes, evidence, hands = find_hands(finder, VIEWS)
    torch.testing.assert_close(boxes, torch.tensor([[surest, second]] * 2))
    assert evidence.tolist() == [4, 4] and hands.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("hands", "count"),
    [
        ([], 0),
        ([(5, 5, -0.1)], 0),  # more likely nothing
        ([(5, 5, 0.1)], 1),
        ([(5, 5, 3), (5, 6, 2), (6, 5, 2.5), (7, 7, 1)], 1),  # cells of one hand
        ([(5, 5, 3), (5, 8, 2)], 2),
        ([(0, 0, 3), (15, 15, 2), (0, 15, 1), (15, 0, -1)], 3),
        ([(5, 5, 3), (5, 7, 2), (5, 9, 1)], 1),  # each next to a surer one
    ],
)
def test_hands_are_counted_where_no_surer_one_is_near(hands, count):
    finder = finder_of(*((*hand, 0, 0, 0.5) for hand in hands))
    assert find_hands(finder, VIEWS)[2].tolist() == [count] * 2


def test_a_box_has_a_sensible_size_and_its_middle_in_the_picture_whatever_the_network_says():
    inf, nan = torch.inf, torch.nan
    for said, expected in (
        ((3.0, -1.5, 2.0), (1, -1, 1)),
        ((-inf, inf, inf), (-1, 1, 1)),
        ((0.1, 0.2, 1e-9), (0.1, 0.2, 0.03)),
        ((nan, 0.2, nan), (0, 0.2, 0.03)),
    ):
        boxes, evidence, hands = find_hands(finder_of((5, 5, 2.0, *said)), VIEWS)
        torch.testing.assert_close(boxes[0, 0], torch.tensor(expected).float())
        assert evidence[0] == 2 and hands[0] == 1


def test_evidence_that_is_no_number_stays_none_and_no_hand_is_counted():
    def finder(views):
        return torch.full((2, 3, 4, 4), torch.nan), torch.full((2, 4, 4), torch.nan)

    boxes, evidence, hands = find_hands(finder, VIEWS)
    assert boxes.isfinite().all() and evidence.isnan().all() and hands.tolist() == [0, 0]


def test_a_view_shows_the_whole_picture_in_the_middle_of_a_black_square():
    view = whole_view(Pyramid(torch.full((100, 200, 3), 255, dtype=torch.uint8)), 64)
    assert view.shape == (3, 64, 64)
    assert view[:, 17:47, 1:-1].min() > 254.9
    assert view[:, :15].max() == 0 and view[:, 49:].max() == 0
    line = whole_view(
        Pyramid(torch.full((900, 1, 3), 255, dtype=torch.uint8)), 64
    )  # thinner than a pixel
    assert 13 < line[:, 1:-1, 31:33].sum(dim=2).mean() < 22 and line[:, :, :31].max() == 0
    assert whole_view(Pyramid(torch.full((1, 1, 3), 255, dtype=torch.uint8)), 64).max() > 200


def test_both_hands_are_read_and_the_answers_averaged():
    class LeftAndRight(nn.Module):
        def forward(self, crops):
            logits = torch.zeros(len(crops), 36)
            logits[:, 0], logits[:, 1] = crops[..., 0].mean((1, 2)), crops[..., -1].mean((1, 2))
            return logits.log_softmax(dim=1)

    near = torch.randn(3, 3, 8, 8)
    crops = torch.stack([near, near.flip(3)], dim=1)
    read, features = read_crops(LeftAndRight(), crops)
    torch.testing.assert_close(read, read_crops(LeftAndRight(), crops.flip(4))[0])
    assert features.shape == (3, 0)
    torch.testing.assert_close(read[:, 0], read[:, 1])
    torch.testing.assert_close(read.exp().sum(dim=1), torch.ones(3))


def test_a_mobile_network_also_gives_the_features_of_the_nearer_crop():
    torch.manual_seed(0)
    network, crops = ASLMobileNet(image_size=32).eval(), 255 * torch.rand(2, 2, 3, 32, 32)
    with torch.inference_mode():
        read, features = read_crops(network, crops, with_features=True)
        near, wide = normalize(crops).unbind(dim=1)
        torch.testing.assert_close(features, network.features(near))
        both = torch.stack([network(near), network(wide)]).mean(dim=0)
    torch.testing.assert_close(read, both.log_softmax(dim=1))


def test_two_readers_answers_are_multiplied():
    one, other = torch.randn(3, 36).log_softmax(dim=1), torch.randn(3, 36).log_softmax(dim=1)
    both = one.exp() * other.exp()

    def joined(one, other):
        return Opinions(one, other, *torch.zeros(3)).log_probs

    torch.testing.assert_close(joined(one, other).exp(), both / both.sum(dim=1, keepdim=True))
    torch.testing.assert_close(joined(one, 0 * other), one)  # of one that counts nothing


def test_confidence_is_that_of_the_sign_times_that_of_a_hand():
    log_probs = torch.randn(4, 36).log_softmax(dim=1)
    evidence = torch.tensor([-2.0, 0.0, 1.0, 30.0])
    confidence = confidence_of(log_probs, evidence, 1.0)
    assert confidence.shape == (4, len(ANSWERS)) == (4, 32)
    torch.testing.assert_close(confidence.sum(dim=1), evidence.sigmoid())
    probabilities = log_probs[3].exp()
    for answer, found in zip(ANSWERS, confidence[3], strict=True):
        expected = sum(probabilities[SIGNS.index(sign)] for sign in answer.split(" or "))
        assert found.item() == pytest.approx(expected.item(), abs=1e-6)
    # A temperature acts on the answers: on a high one, all are equal, also those of two signs.
    torch.testing.assert_close(
        confidence_of(log_probs, evidence, 1e6)[3], torch.full((32,), 1 / 32), atol=1e-4, rtol=0
    )


def test_the_edges_are_those_of_what_is_cut_out():
    pixels = torch.zeros(60, 100, 3, dtype=torch.uint8)
    box = torch.tensor([0.3, -0.1, 0.16])
    left, top, right, bottom = edges(box, 60, 100).tolist()
    assert [left, top, right, bottom] == pytest.approx([55, 15, 75, 35])
    pixels[15:35, 55:75] = 255
    assert cut(Pyramid(pixels), box, 10)[:, 1:-1, 1:-1].min() > 254.9
    pixels = 255 - pixels
    assert cut(Pyramid(pixels), box, 10)[:, 1:-1, 1:-1].max() < 0.1
    # Of a picture of one pixel, a pixel each way is cut out.
    assert edges(torch.tensor([0.0, 0, 0.5]), 1, 1).tolist() == [-0.5, -0.5, 1.5, 1.5]


@pytest.fixture(scope="module")
def recognizer(make_recognizer):
    """Untrained, but not indifferent: where it looks and what it reads depends on the picture."""
    made = make_recognizer(architecture="mlp")
    made.finder.vote.weight.data.mul_(30)
    made.temperature, made.threshold = 0.7, 0.03
    return made


@pytest.mark.parametrize(
    "sides", [(1, 1), (1, 70), (300, 2), (37, 211), (64, 64), (480, 640), (1024, 700)]
)
def test_the_graph_answers_one_picture_as_the_recogniser_does(recognizer, sides):
    pixels = np.random.default_rng(sum(sides)).integers(0, 256, (*sides, 3), dtype=np.uint8)
    (sight,) = recognizer.look([pixels], top=32)
    with torch.inference_mode():
        answer = recognizer.graph().eval()(to_pixels(pixels))
    assert isinstance(answer, Answer) and answer.hands == sight.hands
    ranked = {ANSWERS[i]: p for i, p in enumerate(answer.confidence.tolist())}
    # The recogniser says first, where it is not sure, that it is not: then the last is left out.
    expected = {sign: p for sign, p in sight.answers if sign is not None}
    assert len(expected) >= 31
    assert {sign: ranked[sign] for sign in expected} == pytest.approx(expected, abs=1e-5)
    torch.testing.assert_close(answer.log_probs, sight.log_probs, atol=1e-4, rtol=1e-4)
    assert answer.hand.item() == pytest.approx(sight.hand, abs=1e-5)
    expected = edges(torch.tensor(sight.box), *sides)
    torch.testing.assert_close(answer.box, expected, atol=1e-3, rtol=1e-4)


def test_different_pictures_get_different_answers_so_that_the_test_above_means_something(
    recognizer,
):
    pictures = [np.random.default_rng(i).integers(0, 256, (50, 50, 3), np.uint8) for i in range(4)]
    pictures = [p // 2 * np.uint8(i % 2 + 1) for i, p in enumerate(pictures)]
    with torch.inference_mode():
        answers = [recognizer.graph().eval()(torch.from_numpy(p)) for p in pictures]
    for a, b in zip(answers, answers[1:], strict=False):
        assert (a.confidence - b.confidence).abs().max() > 1e-3
        assert (a.box - b.box).abs().max() > 0.2 and a.hand != b.hand
