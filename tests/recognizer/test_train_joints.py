import math

import pytest
import torch
from torch import nn

from asl.decoding import normalize
from asl.recognizer.hand_joints import Joints
from asl.recognizer.joint_reader import JointReader, pose_numbers, turned
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_joints import (
    FoundJoints,
    find_joints,
    joints_on_black,
    joints_on_photographs,
    place_of,
    train_joint_reader,
)
from asl.recognizer.train_reader import HandPhotographs

QUIET = {"device": "cpu", "progress": False}


def generator():
    return torch.Generator().manual_seed(0)


def upright_hand():
    """Returns joints of an open hand: the wrist below, the palm 0.4 high and 0.4 wide."""
    points = torch.zeros(1, 21, 3)
    points[0, 0, 1] = 0.2
    for finger, x in enumerate((-0.2, -0.1, 0.0, 0.1, 0.2)):
        for joint in range(4):
            points[0, 1 + 4 * finger + joint, 0] = x
            points[0, 1 + 4 * finger + joint, 1] = -0.2 - 0.1 * max(0, joint - 1) * (finger > 0)
    return Joints(points, points, torch.ones(1), torch.ones(1))


def test_the_place_of_a_hand_is_twice_its_palm_and_turned_as_the_hand_is():
    joints = upright_hand()
    place = place_of(joints, torch.tensor([[0.0, 0.0, 1.0, 0.0]]))[0]
    # From the wrist at 0.2 to the first joints at -0.2, moved up by a tenth of that.
    assert place[2].item() == pytest.approx(0.4, abs=1e-5)
    assert place[1].item() == pytest.approx(-0.04, abs=1e-5)
    assert place[3].item() == pytest.approx(0, abs=1e-5)
    for angle in (0.7, -2.0):
        # The same hand, seen in a crop that was turned, of half of the size and elsewhere.
        there = place_of(joints, torch.tensor([[0.3, -0.1, 0.5, angle]]))[0]
        assert there[2].item() == pytest.approx(0.2, abs=1e-5)
        difference = there[3] - place[3] - angle
        assert math.cos(difference) == pytest.approx(1, abs=1e-5)
        moved = 0.5 * turned(
            torch.cat([place[:2], torch.zeros(1)])[None, None], torch.tensor([angle])
        )
        torch.testing.assert_close(there[:2], torch.tensor([0.3, -0.1]) + moved[0, 0, :2])


class Seen(nn.Module):
    """Stands for the network that finds joints: the same hand in every crop."""

    image_size = 32

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        self.crops = []

    def forward(self, crops):
        self.crops.append(crops)
        return Joints(*(part.repeat(len(crops), *[1] * (part.ndim - 1)) for part in upright_hand()))


def test_joints_are_looked_for_twice_and_the_aim_leads_from_the_box_to_the_second_place():
    network = Seen()
    pictures = torch.full((5, 3, 40, 40), 200.0)
    found = find_joints(
        network,
        lambda some: (pictures[some], torch.tensor([0, 0, 0.5]).expand(len(some), 3)),
        torch.arange(5),
        torch.zeros(5).long(),
        generator(),
        crop_size=16,
    )
    assert len(network.crops) == 2 and found.labels.tolist() == [0, 1, 2, 3, 4]
    assert found.poses.shape == (5, 2, 21, 3) and found.crops.shape == (5, 3, 16, 16)
    assert found.crops.float().mean() > 190 and found.crops.dtype == torch.uint8
    # The network sees a hand of 0.4 in a crop of 1.6, and again in what that leads to, 0.4 of it.
    sizes = found.aims[:, 2].exp()
    assert (sizes - 1.6 * 0.4 * 0.4).abs().max() < 0.1
    assert found.aims[:, 3:].norm(dim=1).tolist() == pytest.approx([1] * 5)


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_hands_on_black_and_in_photographs_are_looked_at(real, photographs):
    recipe = Recipe(image_size=32)
    black = joints_on_black(Seen(), real, real.signers, photographs, recipe, generator())
    assert len(black.poses) == len(real) and black.labels.tolist() == real.labels
    assert black.groups.tolist() == real.signers
    images = torch.zeros(4, 3, 168, 168, dtype=torch.uint8)
    images[..., 84:] = 255  # white on the right
    theirs = HandPhotographs(images, torch.tensor([1, 2, 3, 4]))
    found = joints_on_photographs(Seen(), theirs, 7, recipe, generator())
    assert found.groups.tolist() == [7] * 4 and found.labels.tolist() == [1, 2, 3, 4]
    right = [crop[..., 20:].float().mean() > crop[..., :12].float().mean() for crop in found.crops]
    assert True in right and False in right  # some are mirrored


def test_a_reader_learns_signs_from_poses_and_where_to_aim_from_the_others_features():
    torch.manual_seed(0)
    shapes = torch.randn(3, 2, 21, 3)
    labels = torch.arange(120) % 3
    crops = torch.randint(0, 256, (120, 3, 32, 32)).byte()
    crops[:60] //= 4  # dark and light hands
    side = torch.where(torch.arange(120) < 60, -0.5, 0.5)
    aims = torch.stack([side, 0 * side, 0 * side, 0 * side + 1, 0 * side], dim=1)
    found = FoundJoints(shapes[labels], labels, labels * 0, crops, aims)
    reader, classifier = JointReader(672), ASLMobileNet(image_size=32)
    before = reader.joints.last["points"].weight.clone()
    recipe = Recipe(image_size=32, joint_epochs=30, joint_trust=0.75)
    losses = train_joint_reader(reader, classifier, [found, found], recipe, **QUIET)
    assert len(losses) == 30 and losses[-1] < 0.6 * losses[0] and not reader.training
    assert reader.joints.last["points"].weight.equal(before)
    with torch.inference_mode():
        assert reader.answer(pose_numbers(shapes)).argmax(dim=1).tolist() == [0, 1, 2]
        features = classifier.features(normalize(crops[[0, 1, 118, 119]]))
        places = reader.places(features, torch.tensor([0.0, 0.0, 1.0]).expand(4, 3))
    assert reader.trust.item() == 0.75
    assert places[:2, 0].max() < -0.2 and places[2:, 0].min() > 0.2
