"""The joints of the hand: their names, how far they bend, and the bones that they move."""

from collections.abc import Mapping

import torch
from torch import Tensor

FINGERS = ("thumb", "index", "middle", "ring", "little")

JOINT_LIMITS: dict[str, tuple[float, float]] = {
    "thumb CMC flexion": (-30, 65),
    "thumb CMC abduction": (-45, 30),
    "thumb CMC rotation": (-30, 60),
    "thumb MCP flexion": (-15, 70),
    "thumb IP flexion": (-25, 90),
    **{
        f"{finger} {joint}": limits
        for finger in FINGERS[1:]
        for joint, limits in (
            ("MCP flexion", (-30, 95)),
            ("PIP flexion", (-8, 115)),
            ("DIP flexion", (-15, 85)),
            ("abduction", (-25, 35)),
        )
    },
    "wrist flexion": (-60, 70),
    "wrist deviation": (-35, 25),
}
"""Joint → (least, greatest) angle in degrees, the ranges of healthy adults.

Flexion bends towards the palm and is zero for a straight finger in line with the palm. A finger's
abduction turns the plane in which it bends away from the middle finger, and is zero along the hand;
the middle finger's turns towards the thumb. The thumb's angles at the CMC joint are turns from the
library's resting hand: flexion across the palm, abduction out of the palm, rotation of its pad
towards the fingers (opposition). Wrist deviation is positive towards the thumb.

Sources: second-hand lists of the ranges of the American Academy of Orthopaedic Surgeons (fingers
MCP 90, PIP 100, DIP 90; thumb MCP 50, IP 80; wrist 80 to the palm, 70 back, 20 and 30 to the
sides; the book, "Joint Motion" of 1965, was not seen), and the normal range of motion at
e-hand.com by C. Eaton (thumb MCP 55, IP 15 back; finger MCP up to 45 back). Signs press fingers
against each other, so the limits go up to 20 degrees beyond. That margin is ours, and so are the
limits of the thumb's CMC joint, which count from the library's resting hand.
"""

JOINTS: tuple[str, ...] = tuple(JOINT_LIMITS)


def check_angles(angles: Mapping[str, float]) -> None:
    """Raises ValueError, naming joint, value and range, if an angle is not humanly possible."""
    for joint, value in angles.items():
        if joint not in JOINT_LIMITS:
            raise ValueError(f"unknown joint {joint!r}; the joints are: {', '.join(JOINTS)}")
        low, high = JOINT_LIMITS[joint]
        if not low <= value <= high:
            raise ValueError(f"expected {joint} from {low} to {high} degrees, found {value:g}")


def pose_vector(angles: Mapping[str, float]) -> Tensor:
    """Returns checked angles as (len(JOINTS),), zero where a joint is not named."""
    check_angles(angles)
    return torch.tensor([float(angles.get(joint, 0.0)) for joint in JOINTS], dtype=torch.float64)


def finger_bones(finger: int) -> list[int]:
    """Returns the numbers of a finger's three bones in the library's rig, from its root on.

    Args:
        finger: its place in `FINGERS`.
    """
    first = 2 + 4 * finger  # after root and wrist, each further finger has a metacarpal before it
    return [first, first + 1, first + 2]


def moved_bones(joint: str) -> list[int]:
    """Returns the bones that a joint moves, the bone it turns first; none for the wrist."""
    finger, name = joint.split(" ", 1)
    if finger == "wrist":
        return []
    step = {"PIP flexion": 1, "DIP flexion": 2, "IP flexion": 2}.get(name, 0)
    if joint == "thumb MCP flexion":
        step = 1
    return finger_bones(FINGERS.index(finger))[step:]
