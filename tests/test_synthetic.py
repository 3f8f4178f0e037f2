"""Rendered signers: joint limits, the mesh, the pictures and the folder they are written to."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
pytest.importorskip("embreex", reason="needs the extra: pip install -e .[render]")

from asl import synthetic  # noqa: E402
from asl.data import ASLDataset  # noqa: E402
from asl.hand_model import (  # noqa: E402
    JOINT_LIMITS,
    JOINTS,
    bone_transforms,
    check_angles,
    penetration,
    pose_hand,
    pose_vector,
    rest_hand,
)
from asl.poses import POSES  # noqa: E402
from asl.signs import LOOK_ALIKES, SIGNS  # noqa: E402
from asl.synthetic import make_signer, render_sign, synthesize  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # anny's own, on machines without a GPU

# Soft tissue gives way where fingers press on each other or on the palm; the mesh does not.
DEEPEST_MM = {"fingers": 5.5, "palm": 7.5}


@pytest.fixture(scope="module")
def hand():
    return rest_hand()


def posed(hand, **angles):
    return pose_hand(hand, pose_vector({k.replace("_", " "): v for k, v in angles.items()}))


def test_every_sign_has_a_pose_within_the_limits():
    assert tuple(POSES) == SIGNS
    for sign, pose in POSES.items():
        assert set(pose.angles()) == set(JOINTS)
        check_angles(pose.angles())
        assert pose.source, sign
    for first, second in LOOK_ALIKES:
        assert POSES[first].angles() == POSES[second].angles()


@pytest.mark.parametrize("joint", JOINTS)
def test_angles_beyond_the_limits_name_joint_value_and_range(joint):
    low, high = JOINT_LIMITS[joint]
    message = f"expected {joint} from {low} to {high} degrees, found {high + 1}"
    with pytest.raises(ValueError, match=re.escape(message)):
        pose_vector({joint: high + 1})


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match="unknown joint 'index knuckle'"):
        check_angles({"index knuckle": 3})


def test_straight_fingers_are_straight(hand):
    transforms = bone_transforms(hand, pose_vector({}))
    for finger in range(1, 5):
        bones = [2 + 4 * finger, 3 + 4 * finger, 4 + 4 * finger]
        points = [transforms[b, :3, :3] @ hand.heads[b] + transforms[b, :3, 3] for b in bones]
        tip = hand.tips[finger]
        points.append(transforms[bones[-1], :3, :3] @ tip + transforms[bones[-1], :3, 3])
        whole = points[-1] - points[0]
        assert whole[1] / whole.norm() > 0.97  # along the hand
        assert sum((b - a).norm() for a, b in zip(points, points[1:], strict=False)) < (
            1.02 * whole.norm()
        )


def test_flexion_bends_towards_the_palm_and_abduction_away_from_the_middle_finger(hand):
    tip = hand.part == 2
    straight = posed(hand)[tip].mean(0)
    assert posed(hand, index_MCP_flexion=60)[tip].mean(0)[2] > straight[2] + 0.02
    assert posed(hand, index_abduction=15)[tip].mean(0)[0] > straight[0] + 0.005
    little = hand.part == 5
    assert posed(hand, little_abduction=15)[little].mean(0)[0] < posed(hand)[little].mean(0)[0]


@pytest.mark.parametrize("sign", SIGNS)
def test_fingers_do_not_pass_through_each_other_or_the_palm(hand, sign):
    depths = penetration(hand, pose_hand(hand, pose_vector(POSES[sign].angles())))
    for parts, depth in depths.items():
        assert depth <= DEEPEST_MM["palm" if "palm" in parts else "fingers"], (parts, depth)


def test_penetration_finds_fingers_driven_through_each_other(hand):
    through = POSES["5"].angles() | {"index MCP flexion": 60, "middle MCP flexion": 60}
    through |= {"index abduction": -25, "middle abduction": 30}
    assert max(penetration(hand, pose_hand(hand, pose_vector(through))).values()) > 6
    assert not penetration(
        hand, posed(hand, index_abduction=10, ring_abduction=10, little_abduction=22)
    )


def test_the_same_seed_is_the_same_person_and_picture():
    assert make_signer(3) == make_signer(3) != make_signer(4)
    first = render_sign("k", make_signer(3), light="left", size=32)
    again = render_sign("k", make_signer(3), light="left", size=32)
    np.testing.assert_array_equal(first[0], again[0])
    other = render_sign("k", make_signer(3), light="left", size=32, frame=2)
    assert (first[0] != other[0]).any()


def test_mask_is_where_the_picture_is_not_black():
    image, mask = render_sign("y", make_signer(1), size=64)
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(mask, image.any(axis=2))
    rows, columns = np.nonzero(mask)
    assert max(np.ptp(rows), np.ptp(columns)) >= 61  # cropped to the hand


def test_a_left_hand_is_mirrored():
    _, right = render_sign("l", make_signer(2, left=False), size=48)
    _, left = render_sign("l", make_signer(2, left=True), size=48)
    assert (right == left[:, ::-1]).mean() > 0.97


def test_dark_and_light_skin():
    means = []
    for tone in (1, 10):
        image, mask = render_sign("5", make_signer(5, tone=tone), size=32)
        means.append(image[mask].mean())
    assert means[0] > means[1] + 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sign": "ä"}, "expected sign to be one of 0, 1"),
        ({"light": "moon"}, "expected light to be one of bot, dif"),
        ({"size": 15}, "from 16 to 2048 pixels, found 15"),
        ({"size": 2049}, "from 16 to 2048 pixels, found 2049"),
    ],
)
def test_bad_requests_for_a_picture(arguments, message):
    with pytest.raises(ValueError, match=message):
        render_sign(**{"sign": "a", "signer": make_signer(0)} | arguments)


@pytest.mark.parametrize(
    "arguments", [{"seed": -1}, {"seed": 0, "tone": 0}, {"seed": 0, "tone": 11}]
)
def test_bad_signers(arguments):
    with pytest.raises(ValueError, match="expected a"):
        make_signer(**arguments)


def test_a_written_folder_is_a_dataset(tmp_path):
    folder = synthesize(
        tmp_path / "hands", signers=2, size=24, signs=["a", "0"], lights=["top"], frames=2,
        workers=1, progress=False,
    )  # fmt: skip
    names = sorted(path.name for path in (folder / "a").iterdir())
    assert names == [f"hand{k}_a_top_seg_{n}_cropped.jpeg" for k in (1, 2) for n in (1, 2)]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["images"] == 8 and set(manifest["signers"]) == {"1", "2"}
    with pytest.warns(UserWarning, match="images of 2 of 36 signs"):
        dataset = ASLDataset(folder, progress=False)
    assert len(dataset) == 8 and set(dataset.signers) == {1, 2} and set(dataset.lights) == {"top"}
    assert [path.name for path in tmp_path.iterdir()] == ["hands"]


def test_a_folder_with_something_in_it_is_refused_unless_forced(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    options = {"signers": 1, "size": 16, "signs": ["b"], "lights": ["dif"], "frames": 1}
    with pytest.raises(FileExistsError, match="is not empty"):
        synthesize(tmp_path, **options, workers=1, progress=False)
    assert (tmp_path / "mine.txt").exists()
    synthesize(tmp_path, **options, workers=1, progress=False, force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "manifest.json"]


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "render_sign", stop)
    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "hands", signers=1, workers=1, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [{"signers": 0}, {"frames": 0}, {"signs": []}, {"size": 8}])
def test_bad_requests_for_a_folder(tmp_path, arguments):
    with pytest.raises(ValueError, match="expected"):
        synthesize(tmp_path / "hands", **arguments)
    assert not list(tmp_path.iterdir())
