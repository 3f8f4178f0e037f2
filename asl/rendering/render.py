"""One picture of a rendered hand, under the five lights of the real data set.

The table in `poses` says how the mesh of `mesh` is posed for a sign, and a `Signer` adds habits.
Rays (embree, through `embreex`) turn it into a picture cut out on black, like the real images.
Everything follows from seeds, and no global generator is used.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from asl.rendering.contact import press, settle
from asl.rendering.joints import JOINT_LIMITS, JOINTS
from asl.rendering.mesh import RestHand, rest_hand
from asl.rendering.pose_variants import TAUGHT, TAUGHT_YAW, VARIANTS
from asl.rendering.poses import POSES, Pose
from asl.rendering.posing import pose_hand
from asl.rendering.raytracing import DirectedLight, trace
from asl.rendering.signers import Signer
from asl.rendering.skin import skin_of
from asl.rendering.surface import Contacts, contacts
from asl.signs import SIGNS

LIGHTS = ("bot", "dif", "left", "right", "top")
SIZES = (16, 2048)

_SETTLING = 10  # steps: enough for a habit's few degrees, and no slower than the rays
_VARIANT_SHARE = 0.25
_TAUGHT_SHARE = 0.5

# The studio of the real images has one broad light in front of the hand and above it. Four of the
# five lightings add a warmer lamp at one side. This was judged from the images by eye.
FRONT = DirectedLight((-0.2, 0.55, 0.8), (0.62, 0.60, 0.64), 0.5)
LAMPS = {
    "bot": DirectedLight((0.1, -0.9, 0.35), (0.62, 0.46, 0.22), 0.25),
    "dif": DirectedLight((-0.15, 0.4, 0.9), (0.10, 0.10, 0.10), 0.6),
    "left": DirectedLight((-0.9, 0.05, 0.35), (0.62, 0.48, 0.25), 0.25),
    "right": DirectedLight((0.9, -0.05, 0.3), (0.62, 0.48, 0.25), 0.25),
    "top": DirectedLight((0.0, 0.9, 0.45), (0.50, 0.46, 0.40), 0.3),
}


def render_sign(
    sign: str,
    signer: Signer,
    *,
    light: str = "dif",
    burst: int = 0,
    frame: int = 1,
    size: int = 200,
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one frame of one burst, cropped to the hand like the real images.

    Args:
        sign: one of `asl.signs.SIGNS`.
        signer: see `make_signer`.
        light: one of `LIGHTS`.
        burst: number of the signer's take of this sign. The camera and the pose move a little
            between takes.
        frame: position in the burst. The hand trembles between frames.
        size: side S of the picture, in pixels.

    Returns:
        image: uint8 (S, S, 3), black outside the hand
        mask: bool (S, S), True on the hand

    Raises:
        ValueError: if `sign`, `light` or `size` is not as described.
        ImportError: if the extra is not installed; the message says how to install it.
    """
    check_choices([sign], SIGNS, "sign")
    check_choices([light], LIGHTS, "light")
    check_size(size)
    hand = rest_hand(signer.phenotype, signer.shape)
    skin = skin_of(signer)
    numbers = [SIGNS.index(sign), burst, LIGHTS.index(light)]
    take = np.random.default_rng([signer.seed, 3, *numbers])
    shake = np.random.default_rng([signer.seed, 4, *numbers, frame])
    pose, angles, known = _habit(sign, signer)
    vertices = press(hand, known, pose_hand(hand, _moved(angles, signer, take, shake)))
    vertices = vertices.numpy() @ _view(pose, sign, signer, take, shake).T
    cut = _cut(hand, signer, take)
    distance = float(take.uniform(0.45, 1.2))
    # A picture that will be mirrored needs mirrored lamps.
    shining = (FRONT, LAMPS[light if "light" in signer.vary else "dif"])
    lamps = [_jittered(lamp, take, signer) for lamp in shining]
    shade = "shade" in signer.vary
    image, mask = trace(vertices, hand, skin, lamps, cut, distance, size, take, shade=shade)
    if signer.left:
        image, mask = image[:, ::-1].copy(), mask[:, ::-1].copy()
    return image, mask


def check_choices(values: Sequence[str], allowed: Sequence[str], what: str) -> None:
    """Raises ValueError, naming the first value that is not allowed."""
    for value in values:
        if value not in allowed:
            raise ValueError(f"expected {what} to be one of {', '.join(allowed)}; found {value!r}")


def check_size(size: int) -> None:
    """Raises ValueError if a picture's side in pixels is out of range."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"expected a size from {SIZES[0]} to {SIZES[1]} pixels, found {size}")


@lru_cache(maxsize=16)
def _contacts_of(
    phenotype: tuple[tuple[str, float], ...], shape: tuple[tuple[str, float], ...]
) -> Contacts:
    return contacts(rest_hand(dict(phenotype), dict(shape)))


@lru_cache(maxsize=64)
def _habit(sign: str, signer: Signer) -> tuple[Pose, torch.Tensor, Contacts]:
    """Returns the pose from which a signer makes a sign, its angles, and the hand's contacts."""
    hand = rest_hand(signer.phenotype, signer.shape)
    known = _contacts_of(tuple(signer.phenotype.items()), tuple(signer.shape.items()))
    habit = np.random.default_rng([signer.seed, 2, SIGNS.index(sign)])
    other = habit.random() < _VARIANT_SHARE and "pose" in signer.vary
    pose = VARIANTS[sign] if other and sign in VARIANTS else POSES[sign]
    if sign in signer.taught:
        learnt = np.random.default_rng([signer.seed, 7, SIGNS.index(sign)])
        pose = TAUGHT[sign] if learnt.random() < _TAUGHT_SHARE else pose
    angles = pose.angles()
    for joint in JOINTS:
        finger, name = joint.split(" ", 1)
        if finger == "wrist":
            angles[joint] += ("pose" in signer.vary) * 5 * habit.standard_normal()
            continue
        straight = finger != "thumb" and angles[f"{finger} PIP flexion"] < 16
        if name == "abduction":
            if straight and angles[joint] > 6:
                angles[joint] *= signer.spread
            deviation = 1.5
        else:
            deviation = 2.5 if straight else 3.0
        # A finger that bends more than another does so in all of its joints.
        angles[joint] += signer.offsets[joint] * (0.5 if name == "abduction" or straight else 1.0)
        angles[joint] += deviation * signer.laxity * np.clip(habit.standard_normal(), -2, 2)
    vector = _within_limits(torch.tensor([angles[joint] for joint in JOINTS]))
    return pose, settle(hand, known, vector, pose.touches, steps=_SETTLING), known


def _within_limits(angles: torch.Tensor) -> torch.Tensor:
    limits = torch.tensor([JOINT_LIMITS[joint] for joint in JOINTS], dtype=torch.float64)
    return torch.clamp(angles.double(), limits[:, 0], limits[:, 1])


def _moved(
    angles: torch.Tensor, signer: Signer, take: np.random.Generator, shake: np.random.Generator
) -> torch.Tensor:
    """Returns the angles of one frame, with the small changes of a take and a tremor."""
    move = 1.5 * take.standard_normal(len(JOINTS)) + 0.5 * shake.standard_normal(len(JOINTS))
    move *= "pose" in signer.vary
    return _within_limits(angles + torch.from_numpy(move))


def _view(
    pose: Pose, sign: str, signer: Signer, take: np.random.Generator, shake: np.random.Generator
) -> np.ndarray:
    """Returns the rotation (3, 3) from the frame of the hand to that of the camera."""
    habit = np.random.default_rng([signer.seed, 6, SIGNS.index(sign)])
    deviation = (6.0, 4.0, 3.0), (2.0, 2.0, 2.0), (0.7, 0.7, 0.7)
    inwards = 0.0
    if signer.taught and abs(pose.view[0]) < TAUGHT_YAW:
        inwards = np.random.default_rng([signer.seed, 8]).random() * (TAUGHT_YAW - pose.view[0])
    yaw, pitch, roll = (
        base
        + person
        + ("view" in signer.vary)
        * sum(
            signer.turned * d[i] * rng.standard_normal()
            for d, rng in zip(deviation, (habit, take, shake), strict=True)
        )
        for i, (base, person) in enumerate(zip(pose.view, signer.view, strict=True))
    )
    return rotation(2, roll) @ rotation(0, pitch) @ rotation(1, yaw + inwards)


def rotation(axis: int, degrees: float) -> np.ndarray:
    """Returns the rotation (3, 3) about the x, y or z axis (0, 1 or 2)."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def _cut(hand: RestHand, signer: Signer, take: np.random.Generator) -> np.ndarray:
    """Returns the signed distance (V,) from the plane where the arm is cut off, metres."""
    varies = "forearm" in signer.vary
    slope = varies * take.normal(0, 0.15)
    lateral = hand.vertices[:, 0].numpy()
    end = signer.forearm + varies * take.normal(0, 0.004)
    return np.where(hand.forearm.numpy() > -0.5, hand.forearm.numpy() - end + slope * lateral, -1.0)


def _jittered(lamp: DirectedLight, take: np.random.Generator, signer: Signer) -> DirectedLight:
    """Returns a lamp moved and recoloured a little, and mirrored for a left hand."""
    direction = np.array(lamp.direction) * ((-1, 1, 1) if signer.left else (1, 1, 1))
    moved = direction + 0.15 * take.standard_normal(3)
    changed = np.array(lamp.colour) * take.uniform(0.8, 1.2) * take.uniform(0.94, 1.06, 3)
    if "light" not in signer.vary:
        return lamp._replace(direction=tuple(direction / np.linalg.norm(direction)))
    direction, colour = moved, changed
    return DirectedLight(tuple(direction / np.linalg.norm(direction)), tuple(colour), lamp.size)
