"""Tensors and facts in a file, which are checked when they are read, and never executed."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from asl.decoding import brief, shown
from asl.files import written_whole

# Kinds of checked files, see `write_tensors`, and who reads them.
RECOGNIZER, MODEL, CHECKPOINT = "asl-recognizer 2", "asl-model 1", "asl-checkpoint 1"
FOLD, HAND = "asl-fold 1", "asl-hand 1"
_READ_BY = {
    RECOGNIZER: "asl.Recognizer.load reads recognisers",
    MODEL: "asl.load_model reads models that asl.save_model wrote",
    HAND: "asl.Recognizer.load(hand=) reads hands that Recognizer.save_hand wrote",
    CHECKPOINT: "asl.train_model(checkpoint=) goes on from checkpoints",
}


def write_tensors(
    path: str | os.PathLike, tensors: dict[str, Tensor], facts: dict, *, format: str
) -> None:
    """Writes tensors and facts to a safetensors file, which appears whole or not at all.

    The same tensors and facts give the same bytes.

    Args:
        path: the file. A missing folder is made.
        tensors: name → tensor of any shape.
        facts: anything that JSON can hold.
        format: what kind of file it is; `read_tensors` asks for the same.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    metadata = {"format": format, "facts": text, "sha256": _digest(tensors, text, format)}
    with written_whole(path) as draft:
        try:
            save_file(tensors, draft, metadata)
        except SafetensorError as error:  # such as a full disk
            raise OSError(f"cannot write '{shown(path)}': {error}") from error
        _put_in_order(draft)


def read_tensors(
    path: str | os.PathLike, *, format: str, check: Callable[[dict, dict], None] | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads tensors by name, on the CPU, and facts, as `write_tensors` wrote them in a format.

    Before it reads a tensor it asks `check`, which raises ValueError on facts, or on a table from
    names to (dtype, shape), that are not accepted.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no safetensors file, is truncated, has another format or was changed.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected a file of weights at '{shown(path)}', found none")
    with open(path, "rb") as raw:
        start = raw.read(8)  # how many bytes describe the tensors
    try:
        if int.from_bytes(start, "little") > 4_000_000:
            raise SafetensorError("its header is too long")
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if (found := metadata.get("format")) != format:
                hint = _READ_BY.get(str(found), "train again, or use the weights of this version")
                raise ValueError(
                    f"expected format {format!r}, found {brief(found)} in '{shown(path)}': {hint}"
                )
            facts = _facts(metadata.get("facts", "null"))
            if not isinstance(facts, dict):
                raise ValueError(
                    f"expected a dict of facts in '{shown(path)}', found something else"
                )
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            if check is not None:
                check(facts, {k: (v.get_dtype(), tuple(v.get_shape())) for k, v in parts.items()})
            tensors = {name: file.get_tensor(name) for name in parts}
    except (SafetensorError, RuntimeError) as error:  # the other one if it does not fit into memory
        found = f"damaged: {shown(error)}"
        if start[:2] in (b"PK", b"\x80\x02"):  # a zip archive, or an older pickle
            found = "in the format of torch.save, which may hold code: write it with "
            found += "asl.save_model or Recognizer.save instead"
        raise ValueError(
            f"expected a whole safetensors file, found '{shown(path)}' {found}"
        ) from error
    if metadata.get("sha256") != _digest(tensors, metadata["facts"], format):
        raise ValueError(
            f"'{shown(path)}' was changed since it was written: its checksum does not fit"
        )
    return tensors, facts


def check_finite(tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError if any weight is nan or infinite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"expected finite weights, found nan or infinity in {shown(name)}")


def _put_in_order(path: Path) -> None:
    """Sorts a file's metadata, which safetensors writes in an order that changes every time."""
    with open(path, "r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(text) <= size  # as long, but for the blanks that fill it up
        file.seek(8)
        file.write(text.ljust(size))


def _facts(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SafetensorError(f"its facts cannot be read: {str(error):.100}") from error


def _digest(tensors: dict[str, Tensor], facts: str, format: str) -> str:
    """Returns the SHA-256 of everything, whatever its order in the file."""
    digest = hashlib.sha256(f"{format}\n{facts}".encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
