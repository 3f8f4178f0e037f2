import math

import pytest
import torch

from asl.recognizer.hand_joints import Joints
from asl.recognizer.joint_reader import (
    JointReader,
    box_of,
    hand_poses,
    place_of,
    pose_numbers,
    turned,
)
from tests.recognizer.upright import upright_hand


def hands(count=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 21, 3, generator=generator)
    world = 0.1 * torch.randn(count, 21, 3, generator=generator)
    return Joints(points, world, torch.zeros(count), torch.ones(count))


STRAIGHT = torch.zeros(3)


def test_a_pose_is_the_same_wherever_the_hand_is_and_however_large():
    joints = hands()
    moved = joints._replace(points=0.3 * joints.points + torch.tensor([0.4, -0.2, 5.0]))
    torch.testing.assert_close(
        hand_poses(moved, STRAIGHT), hand_poses(joints, STRAIGHT), atol=1e-4, rtol=1e-4
    )


def test_a_pose_is_the_same_for_the_other_hand():
    joints, mirror = hands(), torch.tensor([-1.0, 1.0, 1.0])
    other = Joints(joints.points * mirror, joints.world * mirror, joints.present, -joints.right)
    torch.testing.assert_close(hand_poses(other, STRAIGHT), hand_poses(joints, STRAIGHT))


def test_a_pose_is_that_in_the_picture_not_in_the_turned_crop():
    joints, angles = hands(), torch.tensor([0.5, -1.2, 3.0])
    in_crop = joints._replace(
        points=turned(joints.points, -angles), world=turned(joints.world, -angles)
    )
    torch.testing.assert_close(
        hand_poses(in_crop, angles), hand_poses(joints, STRAIGHT), atol=1e-4, rtol=1e-4
    )
    # Where the hand points matters: the same crop of a picture that is turned is another pose.
    assert (hand_poses(joints, angles) - hand_poses(joints, STRAIGHT)).abs().max() > 0.5


def test_points_turn_clockwise_as_they_are_seen():
    right = torch.tensor([[[1.0, 0.0, 7.0]]])
    torch.testing.assert_close(
        turned(right, torch.tensor([math.pi / 2])), torch.tensor([[[0.0, 1.0, 7.0]]])
    )


def test_a_hand_whose_palm_is_a_point_has_a_pose_that_is_a_number():
    joints = hands()._replace(points=torch.zeros(3, 21, 3))
    joints.points[:, 8] = 1e6
    assert hand_poses(joints, STRAIGHT).abs().max() <= 8


def test_distances_between_joints_stand_beside_them():
    poses = torch.zeros(1, 2, 21, 3)
    poses[0, 1, 4], poses[0, 1, 8] = torch.tensor([0.0, 3, 0]), torch.tensor([4.0, 0, 0])
    numbers = pose_numbers(poses)
    assert numbers.shape == (1, 256) and numbers[0, 126:].tolist().count(5) == 2  # each way


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


def test_a_place_is_near_the_picture_whatever_a_network_says():
    for value in (1e9, -1e9, math.inf, math.nan):
        joints = upright_hand()
        joints.points[:, 9:] = value
        place = place_of(joints, torch.tensor([[0.0, 0.0, 1.0, 0.0]]))
        assert place.isfinite().all() and place.abs().max() <= 4 and place[0, 2] >= 1e-3


def test_the_box_of_a_hand_holds_its_joints_however_they_were_cut_out():
    joints = hands()
    points = torch.zeros(1, 21, 3)
    points[0, :, 0] = torch.linspace(-0.5, 0.5, 21)
    points[0, :, 1] = torch.linspace(-0.2, 0.4, 21)
    joints = joints._replace(points=points)
    upright = box_of(joints, torch.tensor([[0.1, 0.0, 0.5, 0.0]]))
    torch.testing.assert_close(upright, torch.tensor([[0.1, 0.05, 0.25 * 1.2]]))
    turned = box_of(joints, torch.tensor([[0.1, 0.0, 0.5, math.pi / 2]]))
    torch.testing.assert_close(turned, torch.tensor([[0.05, 0.0, 0.25 * 1.2]]))


@pytest.fixture
def reader():
    torch.manual_seed(0)
    return JointReader(8).eval()


@torch.no_grad()
def test_joints_are_looked_for_where_the_aim_says_in_sizes_of_the_hand(reader):
    reader.aim.weight.zero_()
    reader.aim.bias.copy_(torch.tensor([0.5, -1.0, math.log(1.5), 0.0, 2.0]))
    boxes = torch.tensor([[0.1, 0.2, 0.4], [0.0, 0.0, 0.1]])
    places = reader.places(torch.zeros(2, 8), boxes)
    expected = [[0.3, -0.2, 0.6, math.pi / 2], [0.05, -0.1, 0.15, math.pi / 2]]
    torch.testing.assert_close(places, torch.tensor(expected))
    reader.aim.bias.fill_(1e6)  # whatever it says, the place is near the hand
    assert reader.places(torch.zeros(2, 8), boxes)[:, :3].abs().max() < 4


@torch.no_grad()
def test_an_answer_counts_as_much_as_the_hand_is_surely_one(reader, monkeypatch):
    joints = hands()._replace(present=torch.tensor([30.0, 0.0, -30.0]))
    monkeypatch.setattr(reader.joints, "forward", lambda crops: joints)
    reader.trust.fill_(0.8)
    upright = torch.tensor([0.0, 0.0, 1.0, 0.0]).expand(3, 4)
    answers, places, present, boxes = reader(torch.zeros(3, 3, 224, 224), upright)
    assert places.equal(place_of(joints, upright)) and present.equal(joints.present)
    assert boxes.equal(box_of(joints, upright))
    full = reader.answer(pose_numbers(hand_poses(joints, STRAIGHT)))
    torch.testing.assert_close(full.exp().sum(dim=1), torch.ones(3))
    for share, answer, whole in zip((0.8, 0.4, 0.0), answers, full, strict=True):
        torch.testing.assert_close(answer, share * whole)
