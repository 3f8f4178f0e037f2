"""Weights in a file: numbers and text, which are checked when they are read and never executed."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from asl.files import written_whole

FORMAT = "asl-recognizer 2"
MODEL_FORMAT = "asl-model 1"

_READ_BY = {
    FORMAT: "asl.Recognizer.load reads recognisers",
    MODEL_FORMAT: "asl.load_model reads models that asl.save_model wrote",
}


def write_weights(
    path: str | os.PathLike, tensors: dict[str, Tensor], facts: dict, *, format: str = FORMAT
) -> None:
    """Writes tensors and facts to a safetensors file, which appears whole or not at all.

    Args:
        path: the file. A missing folder is made.
        tensors: name → tensor of any shape.
        facts: anything that JSON can hold.
        format: what kind of file it is; `read_weights` asks for the same.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    metadata = {"format": format, "facts": text, "sha256": _digest(tensors, text, format)}
    with written_whole(path) as draft:
        draft.write_bytes(save(tensors, metadata))


def read_weights(
    path: str | os.PathLike, *, format: str = FORMAT
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what `write_weights` wrote in a format.

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
        with open(path, "rb") as file:
            by_torch = file.read(2) in (b"PK", b"\x80\x02")  # a zip archive, or an older pickle
        if by_torch:
            raise ValueError(
                f"expected a whole safetensors file, found '{path}' in the format of torch.save, "
                "which may hold code: write it with asl.save_model or Recognizer.save instead"
            ) from error
        raise ValueError(
            f"expected a whole safetensors file, found '{path}' damaged: {error}"
        ) from error
    found = metadata.get("format")
    if found != format:
        raise ValueError(
            f"expected weights of the format {format!r}, found {found!r} in '{path}': "
            + _READ_BY.get(str(found), "train again, or use the weights of this version")
        )
    if metadata.get("sha256") != _digest(tensors, metadata.get("facts", ""), format):
        raise ValueError(f"'{path}' was changed since it was written: its checksum does not fit")
    return tensors, json.loads(metadata["facts"])


def _digest(tensors: dict[str, Tensor], facts: str, format: str) -> str:
    """Returns the SHA-256 of everything, whatever its order in the file."""
    digest = hashlib.sha256(f"{format}\n{facts}".encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
