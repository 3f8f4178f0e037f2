"""Damages files, as disks, networks and people who mean harm do.

Every choice comes from a `random.Random`, so a seed repeats a file. `benchmarks/torture.py` counts
seeds; the tests take those that Hypothesis draws.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from random import Random

# Lengths, counts and offsets that decoders stumble over.
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
# In the headers of weights and in JSON: other types, shapes, numbers and names.
_WORDS = (
    *(b'"F16"', b'"F32"', b'"F64"', b'"BF16"', b'"F8_E4M3"', b'"I64"', b'"U8"', b'"BOOL"'),
    *(b"null", b"true", b"[]", b"{}", b"-1", b"0", b"1", b"1e999", b"NaN", b'""', b'"a"'),
    *(b"asl-recognizer 2", b"asl-model 1", b"asl-checkpoint 1", b"asl-fold 1"),
)
_HEAD = 512  # where headers are


def damaged(content: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Returns a file's content with one to three random damages.

    Args:
        content: of a whole file.
        random: decides everything.
        others: further files, of which parts may be put in.
    """
    for _ in range(random.randint(1, 3)):
        content = random.choice(DAMAGES)(content, random, others)
    # What is only damaged fails the first check. What is forged comes further.
    if random.randint(0, 1) and content.startswith(b"\x89PNG"):
        return _with_fitting_checksums(content)
    if random.randint(0, 1) and content[8:9] == b"{":
        return with_fitting_length(content)
    return content


def _bits_flipped(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 8))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _truncated(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return content[: random.randint(0, len(content))]


def _number_in_the_header(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    size = random.choice((1, 2, 4))
    number = random.choice(_EDGES) % 256**size
    order = random.choice(("little", "big"))
    at = random.randint(0, min(_HEAD, len(content)))
    return content[:at] + number.to_bytes(size, order) + content[at + size :]


def _word_in_the_header(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Puts a word in the place of another."""
    found = [word for word in _WORDS if word in content]
    if not found:
        return content
    old = random.choice(found)
    before, *rest = content.split(old)
    at = random.randint(1, min(8, len(rest)))
    return old.join([before, *rest[: at - 1]]) + random.choice(_WORDS) + old.join(rest[at - 1 :])


def _spliced(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Puts a part of this file or another in the place of a part."""
    source = random.choice((content, *others))
    start = random.randint(0, len(source))
    part = source[start : start + random.choice((1, 16, 256, 4096))]
    at = random.randint(0, len(content))
    return content[:at] + part + content[at + random.choice((0, len(part))) :]


def _grown(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Puts a few bytes in many times, at the end or anywhere."""
    part = random.choice((b"\0", b"\xff", b"[", b'{"a":', content[-4:]))
    at = random.choice((len(content), random.randint(0, len(content))))
    return content[:at] + part * random.choice((1, 100, 10_000)) + content[at:]


def _with_fitting_checksums(content: bytes) -> bytes:
    """Returns a PNG whose parts have the checksums that its decoder asks for."""
    parts, at = [content[:8]], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        part = content[at + 4 : at + 8 + length]
        parts.append(content[at : at + 4] + part + struct.pack(">I", zlib.crc32(part)))
        at += 12 + length
    return b"".join(parts) + content[at:]


def with_fitting_length(content: bytes) -> bytes:
    """Returns a safetensors file whose first eight bytes tell how long its header is."""
    try:
        _, length = json.JSONDecoder().raw_decode(content[8:].decode("latin-1"))
    except (ValueError, RecursionError):
        return content
    rest = content[8 + length :]
    length += len(rest) - len(rest.lstrip(b" "))  # padding belongs to the header
    return struct.pack("<Q", length) + content[8:]


DAMAGES = (
    _bits_flipped,
    _truncated,
    _number_in_the_header,
    _word_in_the_header,
    _spliced,
    _grown,
)
