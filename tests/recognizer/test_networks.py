import math

import pytest
import torch
from torch import nn

from asl import ASLMobileNet, ASLResNet, HandFinder


@pytest.mark.parametrize("network", [ASLResNet, ASLMobileNet])
@pytest.mark.parametrize("image_size", [16, 64])
def test_a_network_reads_the_size_it_was_made_for(network, image_size):
    model = network(image_size=image_size).eval()
    log_probs = model(torch.randn(3, 3, image_size, image_size))
    assert log_probs.shape == (3, 36)
    torch.testing.assert_close(log_probs.exp().sum(dim=1), torch.ones(3))
    with pytest.raises(ValueError, match=f"3, {image_size}, {image_size}.*found .1, 3, 28, 28"):
        model(torch.zeros(1, 3, 28, 28))


def test_the_residual_network_tells_place():
    """As fingers differ by where they are up: the same shape left and right is not the same."""
    model = ASLResNet().eval()
    left = torch.zeros(1, 3, 64, 64)
    left[..., 10:40, 8:16] = 2
    difference = model.features(left).mean(dim=(2, 3)) - model.features(left.flip(3)).mean((2, 3))
    assert (model(left) - model(left.flip(3))).abs().max() > 3 * difference.abs().max()


def test_the_residual_network_adds_what_it_skips():
    block = ASLResNet().eval().features[2]
    for parameter in block.body.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(2, 32, 6, 6)
    torch.testing.assert_close(block(x), x)


def test_wrong_sizes_of_the_recognising_networks():
    for network, multiple in ((ASLResNet, 16), (ASLMobileNet, 16), (HandFinder, 8)):
        with pytest.raises(ValueError, match=f"multiple of {multiple} pixels, found 20"):
            network(image_size=20)


def test_a_finder_follows_its_evidence():
    finder = HandFinder().eval()
    boxes, evidence = finder(torch.randn(5, 3, 64, 64))
    assert boxes.shape == (5, 3) and evidence.shape == (5,)
    assert (boxes[:, 2] > 0).all() and (boxes[:, :2].abs() < 2).all()
    # A finder that sees a hand only in the cell at the upper left puts the box's centre there.
    votes = torch.zeros(1, 4, 8, 8)
    votes[0, 0, 0, 0] = 50
    finder.features.register_forward_hook(lambda *_: votes)
    finder.vote = nn.Identity()
    boxes, evidence = finder(torch.zeros(1, 3, 64, 64))
    torch.testing.assert_close(boxes[0, :2], torch.tensor([-7 / 8, -7 / 8]))
    assert evidence > 40
    # A quarter of its vote moves the centre, and the size is the exponential of its vote less one.
    votes[0, 1:, 0, 0] = torch.tensor([1.0, -0.5, -0.2])
    boxes, _ = finder(torch.zeros(1, 3, 64, 64))
    expected = torch.tensor([-7 / 8 + 1 / 4, -7 / 8 - 1 / 8, math.exp(-1.2)])
    torch.testing.assert_close(boxes[0], expected)
    votes.zero_()
    assert finder(torch.zeros(1, 3, 64, 64))[1].item() == pytest.approx(0, abs=1e-5)
