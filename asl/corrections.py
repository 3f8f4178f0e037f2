"""Wrong labels of the real images: found by `asl.audit_dataset`, then judged by eye.

Signer 2's bursts of "4" and "5" in diffuse light were filed the wrong way round: an open hand with
the thumb out is a "5". Only `corrected=True` uses these corrections. `asl_dataset/README.md` tells
how the wrong labels were found.
"""

import hashlib
from pathlib import Path

# File name → (true sign, first digits of the SHA-256 of its bytes). Other data sets use the same
# names, rendered ones for instance, so a name alone does not prove that a file is this picture.
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


def true_sign(path: Path) -> str | None:
    """Returns the sign that a file shows if it is one of those filed under a wrong sign."""
    sign, digest = CORRECTIONS.get(path.name, (None, ""))
    if sign is None or not hashlib.sha256(path.read_bytes()).hexdigest().startswith(digest):
        return None
    return sign
