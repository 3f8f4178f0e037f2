"""Photographs of a source in the order in which they were taken, cut into stretches.

A stretch is a run of photographs of one sign. Neighbours in it are near-copies. So what is learnt
from some of them must not be tested on others of the same stretch, as if these were new.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

STRETCH = 10  # photographs


def pose_of(path: Path) -> tuple[str, str]:
    """Returns what near-copies share: the sign, and the photograph that copies were made of.

    Roboflow writes ``A7_292a….jpg`` for each changed version of ``A7``. The second is empty if the
    name tells nothing.
    """
    original = re.match(r"[A-Z]\d+(?=_)", path.name)
    return path.parent.name, original[0] if original else ""


def stretches_in(
    files: Sequence[str | os.PathLike], length: int = STRETCH
) -> tuple[list[int], list[tuple[str, int]]]:
    """Puts photographs in class folders in the order of their numbers.

    Args:
        files: ``…/sign/name``. A number in the name says when each was taken.
        length: photographs a stretch. The last of a sign may be shorter.

    Returns:
        order: indices of `files`, of each pose one, sign by sign
        stretches: which stretch each of them is in
    """
    kept: dict[tuple[str, str], int] = {}
    for i, path in enumerate(map(Path, files)):
        sign, original = pose_of(path)
        kept.setdefault((sign, original or path.name), i)
    order = sorted(kept.values(), key=lambda i: (Path(files[i]).parent.name, _number(files[i])))
    stretches, before = [], Counter[str]()
    for i in order:
        sign = Path(files[i]).parent.name
        stretches.append((sign, before[sign] // length))
        before[sign] += 1
    return order, stretches


def _number(file: str | os.PathLike) -> tuple[int, str]:
    """Returns the number that a name begins with or else ends with; names decide between equals."""
    path = Path(file)
    numbers = re.findall(r"\d+", path.stem.split("_")[0]) or re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else 0, path.name
