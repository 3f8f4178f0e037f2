"""A sign from two sides: what the camera page shows people to make."""

import numpy as np
import torch

from asl.rendering.contact import press, settle
from asl.rendering.joints import JOINTS
from asl.rendering.mesh import rest_hand
from asl.rendering.pose_variants import TAUGHT
from asl.rendering.poses import POSES
from asl.rendering.posing import pose_hand
from asl.rendering.raytracing import trace
from asl.rendering.render import FRONT, LAMPS, check_choices, check_size, rotation
from asl.rendering.signers import make_signer
from asl.rendering.skin import skin_of
from asl.rendering.surface import contacts
from asl.signs import SIGNS

_TURNED = 60  # degrees from the one side to the other
_FOREARM = 0.03  # metres of it below the wrist
_DISTANCE = 0.8  # metres
_MARGIN = 0.08  # of the side of a picture


def render_two_sides(sign: str, *, size: int = 200) -> np.ndarray:
    """Renders a sign as it is taught, on a hand of no person: right, of average shape.

    Args:
        sign: one of `asl.signs.SIGNS`.
        size: side S of each picture, in pixels.

    Returns:
        uint8 (S, 2 S, 3), black outside the hand. On the left is what the other person sees, on
        the right the same hand turned by 60 degrees, to a side that shows more of it.

    Raises:
        ValueError: if `sign` or `size` is not as described.
        ImportError: if the extra is not installed; the message says how to install it.
    """
    check_choices([sign], SIGNS, "sign")
    check_size(size)
    hand = rest_hand()
    known = contacts(hand)
    pose = TAUGHT.get(sign, POSES[sign])
    angles = pose.angles()
    vector = torch.tensor([angles[joint] for joint in JOINTS], dtype=torch.float64)
    settled = settle(hand, known, vector, pose.touches)
    vertices = press(hand, known, pose_hand(hand, settled)).numpy()
    yaw, pitch, roll = pose.view
    view = rotation(2, roll) @ rotation(0, pitch) @ rotation(1, yaw)
    skin = skin_of(make_signer(0, vary=()))
    cut = np.where(hand.forearm.numpy() > -0.5, hand.forearm.numpy() - _FOREARM, -1.0)
    sides, margin = [], round(_MARGIN * size)
    # Whoever sees a palm from its side sees more when it turns back to the front.
    for turn in (0, -_TURNED if 30 < yaw < 150 else _TURNED):
        turned = vertices @ (rotation(1, turn) @ view).T
        rng = np.random.default_rng(0)  # the same light on every sign
        lamps = (FRONT, LAMPS["dif"])
        inner = size - 2 * margin
        image, _ = trace(turned, hand, skin, lamps, cut, _DISTANCE, inner, rng)
        sides.append(np.pad(image, ((margin, margin), (margin, margin), (0, 0))))
    return np.concatenate(sides, axis=1)
