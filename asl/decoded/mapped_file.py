"""A file of decoded images that can be mapped into memory, once all of it was found to be whole.

It holds a page of facts, the pixels of all images, a CRC-32 of every 4 MiB of them, and a byte for
each picture that tells whether it could be read. The page has a SHA-256 of itself and of what
follows the pixels.
"""

import hashlib
import json
import math
import mmap
import os
import platform
import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from asl.decoding import decode_each, decoding_threads, shown
from asl.files import written_whole

_MARK = b"asl-images "
_FORMAT = _MARK + b"1\n"
_PAGE = 4096  # bytes, of which the last are the SHA-256 of those before
_FACTS = _PAGE - hashlib.sha256().digest_size
_CHUNK = 4 << 20  # bytes of pixels with a checksum of their own

# A private mapping is promised as much memory as it is long, in case that all of it is changed. So
# a file larger than the memory could not be mapped, unless the promise is declined.
_UNPROMISED = 0x4000 if platform.machine() in ("x86_64", "aarch64") else 0
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", _UNPROMISED if sys.platform == "linux" else 0)


@dataclass(frozen=True)
class DecodedFile:
    """A file of decoded images that was found whole.

    Attributes:
        path: the file.
        shape: of the images, (N, 3, S, S).
        checksums: of every 4 MiB of pixels.
        readable: a byte for each picture that was to be decoded, 1 if it is among the images.
    """

    path: Path
    shape: tuple[int, int, int, int]
    checksums: bytes
    readable: bytes

    def mapped(self) -> Tensor:
        """Returns the images, uint8 (N, 3, S, S).

        They take no memory but what the system can take back at any time. Whoever changes some of
        them changes a copy in memory, and never the file.
        """
        size = math.prod(self.shape)
        if not size:
            return torch.empty(self.shape, dtype=torch.uint8)
        with open(self.path, "rb") as file:
            if os.name == "posix":
                flags, rights = mmap.MAP_PRIVATE | _NO_RESERVE, mmap.PROT_READ | mmap.PROT_WRITE
                mapping = mmap.mmap(file.fileno(), _PAGE + size, flags=flags, prot=rights)
                # Batches are in random order. Where images do not all stay in memory, to read what
                # lies around each, as the system does otherwise, would push the others out.
                mapping.madvise(mmap.MADV_RANDOM)
            else:
                mapping = mmap.mmap(file.fileno(), _PAGE + size, access=mmap.ACCESS_COPY)
        pixels = torch.frombuffer(mapping, dtype=torch.uint8, count=size, offset=_PAGE)
        return pixels.view(self.shape)

    def holds(self, images: Tensor) -> bool:
        """Returns whether the file is still there and images are the same as in it."""
        if images.shape != self.shape or not images.is_contiguous() or not self.path.is_file():
            return False
        pixels = images.numpy().reshape(-1).data
        return self.checksums == _checksums(len(pixels), lambda place, size: pixels[place:][:size])


def write_decoded(
    path: Path, key: str, folder: str, files: Sequence[str], size: int, *, progress: bool
) -> dict[str, str]:
    """Decodes images straight into a file, which appears whole or not at all.

    Args:
        path: the file.
        key: what the images depend on.
        folder: where they are from, for people to read.
        files, size, progress: as in `asl.decoding.decode_each`.

    Returns:
        unreadable: path → reason

    Raises:
        OSError: if the file cannot be written.
    """
    # What is not on the disk before a loss of power is found out by its checksum.
    with written_whole(path, sync=False) as draft:
        draft.touch(0o600)  # pictures of people, whose folder may be closed to others
        with open(draft, "r+b", buffering=1 << 20) as file:
            file.write(bytes(_PAGE))
            unreadable = decode_each(
                files, size, lambda image: file.write(image.data), progress=progress
            )
            file.flush()
            readable = bytes(file not in unreadable for file in files)
            shape = (sum(readable), 3, size, size)
            tail = _checksums(math.prod(shape), partial(_read, draft)) + readable
            file.write(tail)
            facts = {
                "key": key,
                "folder": shown(folder)[:500],
                "shape": shape,
                "sha256": hashlib.sha256(tail).hexdigest(),
            }
            page = (_FORMAT + json.dumps(facts, ensure_ascii=False).encode()).ljust(_FACTS)
            file.seek(0)
            file.write(page + hashlib.sha256(page).digest())
    return unreadable


def read_decoded(path: Path, key: str, files: int) -> DecodedFile:
    """Finds a file whole, by comparing the checksum of every byte.

    Args:
        path: the file.
        key: what the images must depend on.
        files: how many pictures were to be decoded.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is truncated, was changed, or has another format or key.
    """
    facts = facts_of(path)
    with open(path, "rb") as file:
        shape = tuple(facts["shape"])
        size = math.prod(shape)
        file.seek(_PAGE + size)
        tail = file.read()
    checksums, readable = tail[: len(tail) - files], tail[len(tail) - files :]
    if (
        facts["key"] != key
        or facts["sha256"] != hashlib.sha256(tail).hexdigest()
        or checksums != _checksums(size, partial(_read, path))
    ):
        raise ValueError(f"expected the decoded images of {key}, found others in '{shown(path)}'")
    return DecodedFile(path, shape, checksums, readable)


def facts_of(path: Path) -> dict:
    """Returns the facts on a file's first page: "key", "folder", "shape" and "sha256".

    Raises:
        OSError: if the file cannot be read.
        ValueError: if the page is not as it was written, or is of another version.
    """
    with open(path, "rb") as file:
        page = file.read(_PAGE)
    if not page.startswith(_FORMAT) or hashlib.sha256(page[:_FACTS]).digest() != page[_FACTS:]:
        raise ValueError(
            f"expected decoded images of this version, found others in '{shown(path)}'"
        )
    return json.loads(page[len(_FORMAT) : _FACTS])


def is_ours(path: Path) -> bool:
    """Returns whether a file is one of decoded images, of whatever version and however damaged."""
    with open(path, "rb") as file:
        start = file.read(len(_MARK))
    return start == _MARK or not any(start)  # nothing yet, when the power was lost


def _read(path: Path, place: int, size: int) -> bytes:
    """Reads some of the pixels in a file."""
    with open(path, "rb", buffering=0) as file:
        file.seek(_PAGE + place)
        return file.read(size)


def _checksums(size: int, read: Callable[[int, int], bytes | memoryview]) -> bytes:
    """Returns the CRC-32 of each 4 MiB of pixels, read by their place and how many there are."""

    def checksum(place: int) -> int:
        return zlib.crc32(read(place, min(_CHUNK, size - place)))

    with ThreadPoolExecutor(decoding_threads()) as threads:  # a gigabyte takes 0.25 s in one
        numbers = threads.map(checksum, range(0, size, _CHUNK))
        return b"".join(number.to_bytes(4, "little") for number in numbers)
