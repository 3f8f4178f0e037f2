"""Facts that the whole project shares: the 36 signs, look-alikes, wrong labels, size, skin tones.

The signs come in the order of their labels: digits first, then letters.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

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

TAUGHT_LOOK_ALIKES: tuple[tuple[str, str], ...] = (*LOOK_ALIKES, ("9", "f"))
"""The same, and `f`, which is the hand of `9` where people sign as it is taught.

The dataset's five people make `f` in another way.
"""

ANSWERS: tuple[str, ...] = tuple(
    " or ".join(next((pair for pair in TAUGHT_LOOK_ALIKES if sign in pair), (sign,)))
    for sign in SIGNS
    if sign not in {second for _, second in TAUGHT_LOOK_ALIKES}
)
"""The 32 answers that `asl.Recognizer` gives: ``"0 or o"``, ``"1"``, …, ``"9 or f"``, …."""

MOTION_SIGNS: tuple[str, ...] = ("j", "z")
"""Signs that are drawn in the air. A still image shows one moment of them."""

CORRECTIONS: dict[str, tuple[str, str]] = {
    "hand2_4_dif_seg_1_cropped.jpeg": ("5", "2526d37163eba861"),
    "hand2_4_dif_seg_2_cropped.jpeg": ("5", "2628be5a4bd0587d"),
    "hand2_4_dif_seg_3_cropped.jpeg": ("5", "167d1ddfe8db8ece"),
    "hand2_4_dif_seg_4_cropped.jpeg": ("5", "d55673b8b14886bf"),
    "hand2_4_dif_seg_5_cropped.jpeg": ("5", "70dff6ccbffca1e8"),
    "hand2_5_dif_seg_1_cropped.jpeg": ("4", "473b702e7255dac3"),
    "hand2_5_dif_seg_2_cropped.jpeg": ("4", "a86db02c1b8e2af1"),
    "hand2_5_dif_seg_3_cropped.jpeg": ("4", "bd298690a7611a2f"),
    "hand2_5_dif_seg_4_cropped.jpeg": ("4", "3da46679efcc62b9"),
    "hand2_5_dif_seg_5_cropped.jpeg": ("4", "22379674c813553c"),
}
"""Wrong labels of the real images: file name → (true sign, first digits of its bytes' SHA-256).

They were found by `asl.audit_dataset`, then judged by eye. Signer 2's bursts of "4" and "5" in
diffuse light were filed the wrong way round: an open hand with the thumb out is a "5". Only
`corrected=True` uses these corrections. `asl_dataset/README.md` tells how they were found. Other
data sets use the same names, so a name alone does not prove that a file is this picture.
"""

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


def check_labels(labels: "Tensor") -> None:
    """Raises ValueError unless labels are whole numbers from 0 to 35."""
    if not len(labels):
        return
    if labels.is_floating_point() or labels.min() < 0 or labels.max() >= len(SIGNS):
        raise ValueError(
            f"expected labels from 0 to {len(SIGNS) - 1}, places in asl.SIGNS, found "
            f"{labels.min().item()} to {labels.max().item()}"
        )


def check_classes(data: Any) -> None:
    """Raises ValueError if a dataset, or a loader of one, numbers the signs in another order.

    torchvision's ``ImageFolder`` numbers the folders that it finds, so that of letters alone, 0 is
    ``a``. A ``target_transform`` is taken for the remedy that the message names.
    """
    while hasattr(data, "dataset"):  # of a DataLoader or a Subset
        data = data.dataset
    for part in getattr(data, "datasets", ()):  # of a ConcatDataset
        check_classes(part)
    order = getattr(data, "class_to_idx", None)
    if not isinstance(order, Mapping) or getattr(data, "target_transform", None) is not None:
        return
    for name, label in order.items():
        sign = str(name).lower()
        if sign in SIGNS and label != SIGNS.index(sign):
            raise ValueError(
                f"expected the label {SIGNS.index(sign)} for the sign {name!r}, its place in "
                f"asl.SIGNS, found {label}. This maps the labels of a torchvision ImageFolder: "
                "dataset.target_transform = lambda i: asl.SIGNS.index(dataset.classes[i].lower())"
            )


def true_sign(path: Path) -> str | None:
    """Returns the sign that a file shows if it is one of those filed under a wrong sign."""
    sign, digest = CORRECTIONS.get(path.name, (None, ""))
    if sign is None or not hashlib.sha256(path.read_bytes()).hexdigest().startswith(digest):
        return None
    return sign
