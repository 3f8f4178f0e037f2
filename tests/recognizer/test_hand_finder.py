import pytest
import torch
import torch.nn.functional as F

from asl import HandFinder


def test_a_finder_answers_for_every_cell_of_its_view():
    for size in (32, 64):
        finder = HandFinder(image_size=size).eval()
        boxes, evidence = finder(torch.randn(3, 3, size, size))
        assert boxes.shape == (3, 3, size // 8, size // 8) and (boxes[:, 2] > 0).all()
        assert evidence.shape == (3, size // 8, size // 8)
    with pytest.raises(ValueError, match="3, 64, 64.*found .1, 3, 28, 28"):
        finder(torch.zeros(1, 3, 28, 28))
    with pytest.raises(ValueError, match="multiple of 32 pixels, found 48"):
        HandFinder(image_size=48)


def test_boxes_follow_the_votes_of_their_cells():
    finder = HandFinder(image_size=64).eval()
    votes = torch.zeros(1, 4, 8, 8)
    finder.vote.register_forward_hook(lambda *_: votes)
    boxes, evidence = finder(torch.zeros(1, 3, 64, 64))
    # Without a vote, the middle of the cell: x to the right, y downwards.
    assert boxes[0, :2, 0, 0].tolist() == [-7 / 8, -7 / 8]
    assert boxes[0, :2, 2, 7].tolist() == [7 / 8, -3 / 8]
    assert (boxes[:, 2] == 1).all() and (evidence == 0).all()
    # The logarithm of half the side; a middle is told in halves of the side.
    votes[0, :, 2, 7] = torch.tensor([5.0, -1.0, 0.5, -2.0])
    boxes, evidence = finder(torch.zeros(1, 3, 64, 64))
    half = torch.tensor(-2.0).exp()
    expected = torch.stack([7 / 8 - half, -3 / 8 + 0.5 * half, half])
    torch.testing.assert_close(boxes[0, :, 2, 7], expected)
    assert evidence[0, 2, 7] == 5


def test_a_cell_looks_at_its_own_place():
    """What changes at the left changes the left cells most, whatever the weights."""
    torch.manual_seed(0)
    finder = HandFinder(image_size=128).eval()
    view = torch.zeros(1, 3, 128, 128)
    view[..., 40:80, 8:24] = 2
    with torch.inference_mode():
        change = (finder(view)[1] - finder(torch.zeros_like(view))[1]).abs()[0]
    assert change[:, :5].mean() > 3 * change[:, 11:].mean()
    assert change[4:11, :5].mean() > change[:3, :5].mean()


@pytest.mark.parametrize("seed", range(3))
def test_a_finder_with_random_weights_answers_with_moderate_numbers_and_learns(seed):
    torch.manual_seed(seed)
    finder = HandFinder()
    boxes, evidence = finder(torch.randn(2, 3, 128, 128))
    assert evidence.abs().max() < 20 and boxes[:, 2].min() > 0.05 and boxes[:, 2].max() < 3
    (boxes.square().mean() + evidence.square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in finder.parameters())


@pytest.mark.parametrize(("side", "stride"), [(1, 1), (5, 1), (3, 2), (5, 2)])
def test_its_convolutions_pad_as_tensorflow_does(side, stride):
    """There an even number of pixels is padded by one more below and on the right, if by any."""
    convolution = type(HandFinder(image_size=32).vote)(2, 4, side, stride=stride)
    x = torch.randn(1, 2, 8, 8)
    all_in_all = side - stride
    before = all_in_all // 2
    padded = F.pad(x, (before, all_in_all - before) * 2)
    expected = F.conv2d(padded, convolution.weight, convolution.bias, stride)
    torch.testing.assert_close(convolution(x), expected)


def test_a_block_adds_what_it_skips():
    finder = HandFinder(image_size=32).eval()
    same, smaller = finder.to_8[1], finder.to_8[0]
    for block in (same, smaller):
        for parameter in block.body.parameters():
            torch.nn.init.zeros_(parameter)
        torch.nn.init.constant_(block.activation.weight, 0.5)
    x = torch.randn(2, 128, 6, 6)
    torch.testing.assert_close(same(x), torch.where(x > 0, x, x / 2))
    x = torch.rand(2, 64, 6, 6)  # channels that come in addition are nought
    expected = torch.cat([F.max_pool2d(x, 2), torch.zeros(2, 64, 3, 3)], dim=1)
    torch.testing.assert_close(smaller(x), expected)


def test_the_first_layers_end_at_a_quarter_of_the_side():
    finder = HandFinder(image_size=64)
    maps = torch.randn(1, 3, 64, 64)
    for part in finder.first_layers():
        maps = part(maps)
    assert maps.shape == (1, 64, 16, 16)
    first = {id(p) for p in finder.first_layers().parameters()}
    assert {n.split(".")[0] for n, p in finder.named_parameters() if id(p) in first} == {
        "stem",
        "to_4",
    }


def test_evidence_can_be_rescaled_and_boxes_stay():
    torch.manual_seed(0)
    finder = HandFinder(image_size=32).eval()
    picture = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        boxes, evidence = finder(picture)
    finder.rescale_evidence(3.0, -0.5)
    with torch.inference_mode():
        same, rescaled = finder(picture)
    torch.testing.assert_close(rescaled, 3 * evidence - 0.5)
    assert same.equal(boxes)
