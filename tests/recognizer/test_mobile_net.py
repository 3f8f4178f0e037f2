import pytest
import torch
import torch.nn.functional as F

from asl import ASLMobileNet


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("size", [8, 9])
def test_the_mobile_networks_convolutions_pad_as_tensorflow_does(side, size):
    """There an even number of pixels is padded by one more below and on the right, if by any."""
    stem = ASLMobileNet().stem[0]
    convolution = type(stem)(2, 4, side, stride=2)
    x = torch.randn(1, 2, size, size)
    before = (side - 2 + size % 2) // 2
    padded = F.pad(x, (before, side // 2) * 2)
    expected = F.conv2d(padded, convolution.weight, convolution.bias, stride=2)
    torch.testing.assert_close(convolution(x), expected.clamp(0, 6))


def test_the_mobile_network_adds_what_it_skips():
    blocks = ASLMobileNet().eval().blocks
    for block in (blocks[0], blocks[1]):
        for parameter in block.body[-1].parameters():
            torch.nn.init.zeros_(parameter)
    x = torch.rand(2, 16, 6, 6)
    torch.testing.assert_close(blocks[1](x), x)
    torch.testing.assert_close(blocks[0](x), F.max_pool2d(x, 2))


def test_all_of_the_mobile_network_learns_from_random_weights():
    model = ASLMobileNet(image_size=64)
    F.nll_loss(model(torch.randn(4, 3, 64, 64)), torch.tensor([0, 1, 2, 3])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_what_it_learns_from_is_the_gradient_of_relu6():
    stem = ASLMobileNet(image_size=16).stem
    x = 6 * torch.randn(4, 3, 16, 16)  # some beyond either end

    def gradients(training):
        stem.train(training).zero_grad()
        stem(x).square().sum().backward()
        return [p.grad.clone() for p in stem.parameters()]

    for ours, plain in zip(gradients(True), gradients(False), strict=True):
        assert ours.abs().sum() > 0
        torch.testing.assert_close(ours, plain)
