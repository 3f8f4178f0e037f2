"""Where the photographs that the recogniser was trained with come from. They are not shipped."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from asl.decoding import shown


class Source(NamedTuple):
    """Photographs by other people, whose licence lets networks be trained with them.

    Attributes:
        repository: on GitHub, ``owner/name``.
        commit: first digits.
        folder: in the repository.
        licence: with whom to name.
        photographs: how many were used.
        digest: see `digest_of`.
    """

    repository: str
    commit: str
    folder: str
    licence: str
    photographs: int
    digest: str


SOURCES: dict[str, Source] = {
    "davidlee": Source(
        "dnth/yolov5-deepsparse-blogpost",
        "f467abc",
        "datasets/american_sign_language",
        "Public Domain, David Lee",
        1728,
        "98ebef7228dc4d49",
    ),
    "meyyappan": Source(
        "Meyyappan-Dm/sign-language-detector",
        "7546b2b",
        "data",
        "MIT, (c) 2025 Meyyappan-Dm",
        1560,
        "687f57705480a6f9",
    ),
    "t32rahman": Source(
        "t32rahman/ASL-ML",
        "1762ece",
        "data",
        "MIT, (c) 2023 Tamim Rahman",
        1560,
        "6ca03b8b403156a4",
    ),
}
"""The sources by the names of their folders."""


def check_source(name: str, files: Sequence[str | os.PathLike]) -> None:
    """Checks that a folder named like a source holds that source's photographs.

    A folder of another name may hold anything.

    Args:
        name: of the folder.
        files: the photographs in it.

    Raises:
        ValueError: if the photographs are others than those that the figures of the recogniser
            come from.
    """
    source = SOURCES.get(name)
    if source is None or (len(files) == source.photographs and digest_of(files) == source.digest):
        return
    raise ValueError(
        f"expected in the folder '{shown(name)}' the {source.photographs:,} photographs "
        f"of github.com/{source.repository} at {source.commit}, found {len(files):,}"
        + (" of which some differ" if len(files) == source.photographs else "")
        + ": restore them, or give photographs of your own in a folder of another name"
    )


def digest_of(files: Sequence[str | os.PathLike]) -> str:
    """Returns the first digits of a SHA-256 of files' signs, names and contents, in any order."""
    every = hashlib.sha256()
    for path in sorted(map(Path, files), key=lambda path: (path.parent.name, path.name)):
        every.update(f"{path.parent.name}/{path.name}\0".encode())
        every.update(hashlib.sha256(path.read_bytes()).digest())
    return every.hexdigest()[:16]
