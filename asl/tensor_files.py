"""Tensors and facts in a file, which are checked when they are read, and never executed."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from asl.files import written_whole

# Kinds of checked files, see `write_tensors`, and who reads them.
RECOGNIZER, MODEL, CHECKPOINT = "asl-recognizer 2", "asl-model 1", "asl-checkpoint 1"
FOLD = "asl-fold 1"
_READ_BY = {
    RECOGNIZER: "asl.Recognizer.load reads recognisers",
    MODEL: "asl.load_model reads models that asl.save_model wrote",
    CHECKPOINT: "asl.train_model(checkpoint=) goes on from checkpoints",
}


def write_tensors(
    path: str | os.PathLike, tensors: dict[str, Tensor], facts: dict, *, format: str
) -> None:
    """Writes tensors and facts to a safetensors file, which appears whole or not at all.

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
            raise OSError(f"cannot write '{path}': {error}") from error


def read_tensors(
    path: str | os.PathLike, *, format: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what `write_tensors` wrote in a format.

    Returns:
        tensors: name → tensor, on the CPU
        facts: as written

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a safetensors file, is truncated, has another format, or was
            changed since it was written.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected a file of weights at '{path}', found none")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        why = f"damaged: {error}"
        with open(path, "rb") as start:
            if start.read(2) in (b"PK", b"\x80\x02"):  # a zip archive, or an older pickle
                why = (
                    "in the format of torch.save, which may hold code: write it with "
                    "asl.save_model or Recognizer.save instead"
                )
        raise ValueError(f"expected a whole safetensors file, found '{path}' {why}") from error
    found = metadata.get("format")
    if found != format:
        raise ValueError(
            f"expected weights of the format {format!r}, found {found!r} in '{path}': "
            + _READ_BY.get(str(found), "train again, or use the weights of this version")
        )
    if metadata.get("sha256") != _digest(tensors, metadata.get("facts", ""), format):
        raise ValueError(f"'{path}' was changed since it was written: its checksum does not fit")
    try:
        facts = json.loads(metadata["facts"])
        return tensors, dict(facts.items())
    except (ValueError, RecursionError, KeyError, AttributeError) as error:
        raise ValueError(f"'{path}' holds no facts by name: {error}") from error


def _digest(tensors: dict[str, Tensor], facts: str, format: str) -> str:
    """Returns the SHA-256 of everything, whatever its order in the file."""
    digest = hashlib.sha256(f"{format}\n{facts}".encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
