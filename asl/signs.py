"""Constants that the whole project shares: the 36 signs, look-alikes, image size, skin tones.

The signs come in the order of their labels: digits first, then letters.
"""

SIGNS: tuple[str, ...] = tuple("0123456789abcdefghijklmnopqrstuvwxyz")
"""The signs in the order of their labels: label ``i`` is the sign ``SIGNS[i]``."""

LOOK_ALIKES: tuple[tuple[str, str], ...] = (("0", "o"), ("2", "v"), ("6", "w"))
"""Pairs of signs with the same hand shape, which no picture of a hand can tell apart."""

SHAPES: tuple[str, ...] = tuple(
    "/".join(next((pair for pair in LOOK_ALIKES if sign in pair), (sign,)))
    for sign in SIGNS
    if sign not in {second for _, second in LOOK_ALIKES}
)
"""The 33 hand shapes, with look-alikes merged: ``"0/o"``, ``"1"``, …, ``"z"``."""

SHAPE_OF: tuple[int, ...] = tuple(
    next(i for i, shape in enumerate(SHAPES) if sign in shape.split("/")) for sign in SIGNS
)
"""The shape of each label: label ``i`` has the shape ``SHAPES[SHAPE_OF[i]]``."""

MOTION_SIGNS: tuple[str, ...] = ("j", "z")
"""Signs that are drawn in the air. A still image shows one moment of them."""

IMAGE_SIZE = 28
"""Side, in pixels, of the images that the notebook's models read by default."""

MONK_TONES: tuple[tuple[int, int, int], ...] = (
    (246, 237, 228),
    (243, 231, 219),
    (247, 234, 208),
    (234, 218, 186),
    (215, 189, 150),
    (160, 126, 86),
    (130, 92, 67),
    (96, 65, 52),
    (58, 49, 42),
    (41, 36, 32),
)
"""sRGB of the ten tones of the Monk Skin Tone Scale (E. Monk, 2019; skintone.google, CC BY 4.0).

They agree with the hex codes in Wikipedia's article on the scale, of which a copy was checked.
"""


def sign_name(label: int) -> str:
    """Returns the sign of a label.

    Args:
        label: an integer from 0 to 35 (a zero-dimensional tensor will do).

    Raises:
        ValueError: if the label is outside that range.
    """
    label = int(label)
    if not 0 <= label < len(SIGNS):
        raise ValueError(f"expected a label from 0 to {len(SIGNS) - 1}, found {label}")
    return SIGNS[label]
