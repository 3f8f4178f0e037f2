import pytest
import torch

from asl.recognizer.hand_joints import JOINTS_SIZE, HandJoints


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = HandJoints().eval()
    for layer in network.last.values():
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return network


@torch.inference_mode()
def test_joints_count_from_the_middle_of_the_crop_in_halves_of_its_side(network):
    corner, middle = torch.zeros(3), torch.tensor([112.0, 112.0, 0.0])
    beyond = torch.tensor([336.0, 0.0, -56.0])  # pixels of MediaPipe's input
    points = [corner, middle, beyond, *[middle] * 18]
    network.last["points"].bias.copy_(torch.cat(points))
    network.last["world"].bias.copy_(torch.arange(63) / 100)
    network.last["present"].bias.fill_(3)
    network.last["right"].bias.fill_(2)
    found = network(torch.randn(2, 3, JOINTS_SIZE, JOINTS_SIZE))
    assert found.points.shape == found.world.shape == (2, 21, 3)
    expected = torch.tensor([[-1.0, -1, 0], [0, 0, 0], [2, -1, -0.5]])
    torch.testing.assert_close(found.points[1, :3], expected)
    torch.testing.assert_close(found.world[0, 1], torch.tensor([0.03, 0.04, 0.05]))
    # MediaPipe's "right" is that of a mirror image.
    assert found.present.tolist() == [3, 3] and found.right.tolist() == [-2, -2]


def test_only_crops_of_its_size_are_taken(network):
    with pytest.raises(ValueError, match="224"):
        network(torch.zeros(1, 3, 112, 112))
