import pytest
import torch

from asl import ASLMobileNet, ASLResNet


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
    for network in (ASLResNet, ASLMobileNet):
        with pytest.raises(ValueError, match="multiple of 16 pixels, found 20"):
            network(image_size=20)
