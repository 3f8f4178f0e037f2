"""Damages files, as disks, networks and people who mean harm do.

Every choice comes from a `random.Random`, so a seed repeats a file. `benchmarks/torture.py` counts
seeds; the tests take those that Hypothesis draws.
"""

import json
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from asl.tensor_files import _digest

# Lengths, counts and offsets that decoders stumble over.
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
# In the headers of weights and in JSON: other types, shapes, numbers and names.
_WORDS = (
    *(b'"F16"', b'"F32"', b'"F64"', b'"BF16"', b'"F8_E4M3"', b'"I64"', b'"U8"', b'"BOOL"'),
    *(b"null", b"true", b"[]", b"{}", b"-1", b"0", b"1", b"1e999", b"NaN", b'""', b'"a"'),
    *(b"asl-recognizer 2", b"asl-model 1", b"asl-checkpoint 1", b"asl-fold 1"),
)
_HEAD = 512  # where headers are
# In the facts of a file of tensors: other values, and what means something in a checkpoint.
_VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 0.5, 1e-300, 10**30, math.nan, math.inf, "", "a", "\x1b[2J"),
    *([], {}, [[]], [0], {"a": 1}),
    *({"tensor": "0"}, {"tensor": 0}, {"tuple": [[]]}, {"dict": []}, {"dict": [["a", 1]]}),
)
_NUMBERS = (math.nan, math.inf, -math.inf, 0, -1, 1e-30, 1e30, 255)
_DTYPES = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)


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


def forged(content: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Returns a file of tensors with random damages and a checksum that fits nevertheless.

    So whoever reads it gets beyond the checksum, as with a file of somebody who means harm.

    Args:
        content, random, others: as in `damaged`.
    """
    if not random.randint(0, 3):
        return signed_again(damaged(content, random, others))
    tensors, metadata = _parts(content)
    facts = json.loads(metadata["facts"])
    for _ in range(random.randint(1, 3)):
        if tensors and random.randint(0, 1):
            _change_a_tensor(tensors, random)
        else:
            _change_a_fact(facts, random)
    return _signed(tensors, metadata | {"facts": json.dumps(facts)})


def signed_again(content: bytes) -> bytes:
    """Returns a file of tensors whose checksum fits, unless it is too damaged to have one."""
    try:
        return _signed(*_parts(content))
    except Exception:  # whatever is wrong with it
        return content


def _parts(content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the tensors and the metadata of a file."""
    end = 8 + int.from_bytes(content[:8], "little")
    return load(content), json.loads(content[8:end])["__metadata__"]


def _signed(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    digest = _digest(tensors, metadata["facts"], metadata["format"])
    content = save(tensors, metadata | {"sha256": digest})
    # Metadata are written in an order that changes every time, and a seed must repeat a file.
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + content[end:]


def _change_a_fact(facts: dict, random: Random) -> None:
    places = list(_places(facts))
    if not places:
        facts["a"] = random.choice(_VALUES)
        return
    inside, key = random.choice(places)
    way = random.choice(("other", "other", "copied", "left out", "twice", "number"))
    if way == "left out":
        del inside[key]
    elif way == "copied":
        other, place = random.choice(places)
        inside[key] = json.loads(json.dumps(other[place]))
    elif way == "twice" and isinstance(inside, list):
        inside.append(inside[key])
    elif way == "twice":
        inside[f"{key}\x1b"] = inside.pop(key)
    elif way == "number" and type(inside[key]) in (int, float):
        inside[key] *= random.choice((-1, 2, 1e9))
    else:
        inside[key] = random.choice(_VALUES)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields all that is somewhere inside a value, each by what it is in and its key there."""
    keys = value if isinstance(value, dict) else range(len(value)) if type(value) is list else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _change_a_tensor(tensors: dict[str, Tensor], random: Random) -> None:
    name = random.choice(sorted(tensors))
    tensor = tensors[name].clone()
    way = random.choice(("number", "number", "all", "type", "shape", "left out", "name", "swapped"))
    if way in ("number", "all") and tensor.numel():
        at = slice(None) if way == "all" else random.randrange(tensor.numel())
        number = random.choice(_NUMBERS)
        tensor.view(-1)[at] = torch.tensor(number, dtype=torch.float64).to(tensor.dtype)
    elif way == "type":
        tensor = tensor.to(random.choice(_DTYPES))
    elif way == "shape":
        flat = tensor.reshape(-1)
        tensor = random.choice([flat, flat[:1], flat[:0], flat.repeat(2), tensor[None]])
    elif way == "swapped":
        other = random.choice(sorted(tensors))
        tensor, tensors[other] = tensors[other].clone(), tensor
    tensors[name] = tensor.contiguous()
    if way in ("left out", "name"):
        del tensors[name]
    if way == "name":
        tensors[random.choice((name + "\x1b", "0", "1", "a"))] = tensor


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
