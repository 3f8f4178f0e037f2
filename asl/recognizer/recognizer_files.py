"""How an `asl.Recognizer` is written to one file of weights, and read again with every check."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from asl.recognizer.hand_files import prior_from
from asl.recognizer.stored_weights import as_stored, as_used, has_eight_bits
from asl.recognizer.teaching import Prior
from asl.recognizer.weights import (
    CONVENTIONS,
    NothingDrawn,
    check_layers,
    check_recognizer_facts,
    refusing,
)
from asl.tensor_files import RECOGNIZER, check_finite, read_tensors, write_tensors

Made = TypeVar("Made")

_PRIOR = frozenset(Prior.default().tensors())  # weights of before 29 November 2026 have none


def write_recognizer(
    path: str | os.PathLike, networks: nn.Module, prior: Prior, facts: Mapping[str, Any]
) -> None:
    """Writes networks, a prior, and the facts that `check_recognizer_facts` asks for.

    Raises:
        OSError: if the file cannot be written.
        ValueError: if `read_recognizer` would not read it.
    """
    tensors = saved_tensors(networks, prior)
    written = {**facts, **CONVENTIONS, "teaching": prior.strength._asdict()}
    check_recognizer_facts(written)
    check_finite(tensors)
    write_tensors(path, tensors, written, format=RECOGNIZER)


def read_recognizer(
    path: Path,
    create: Callable[[Mapping[str, Any]], Made],
    networks_of: Callable[[Made], nn.Module],
) -> tuple[Made, dict[str, Any], Prior]:
    """Reads what `write_recognizer` wrote. What does not fit is refused before it takes memory.

    Args:
        path: the file.
        create: from facts to an untrained recogniser. It is called without memory for weights.
        networks_of: from a recogniser to its networks, which are filled.

    Returns:
        The recogniser, the facts, and the prior.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged, or holds no recogniser of this version.
    """
    made: list[Made] = []

    def check(facts: dict, found: dict) -> None:
        with refusing(path):
            check_recognizer_facts(facts)
            with torch.device("meta"), NothingDrawn():  # shapes without memory
                made.append(create(facts))
            known = Prior.default().tensors() if _PRIOR & found.keys() else {}
            networks = networks_of(made[0])
            eight = _in_eight_bits(networks) if has_eight_bits(found) else []
            check_layers(as_stored(networks.state_dict(), bytes_=eight) | known, found)

    tensors, facts = read_tensors(path, format=RECOGNIZER, check=check)
    with refusing(path):
        check_finite(tensors)
        prior = prior_from({name: tensors.pop(name) for name in _PRIOR & tensors.keys()}, facts)
    networks = networks_of(made[0])
    types = {name: layer.dtype for name, layer in networks.state_dict().items()}
    used = {name: tensor.to(types[name]) for name, tensor in as_used(tensors).items()}
    networks.load_state_dict(used, assign=True)  # in the place of shapes without memory
    return made[0], facts, prior or Prior.default()


def saved_tensors(networks: nn.Module, prior: Prior) -> dict[str, Tensor]:
    """Returns the tensors of a file of weights, as they are written."""
    eight = _in_eight_bits(networks)
    halves = {name for name, _ in networks.named_parameters()} - {*eight}
    stored = as_stored(networks.state_dict(), halves=halves, bytes_=eight)
    return stored | prior.tensors()


def fingerprint_of(tensors: Mapping[str, Tensor]) -> str:
    """Returns 16 digits that other tensors would hardly share."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _in_eight_bits(networks: nn.Module) -> list[str]:
    """Returns the names of most weights of the network that finds joints, which nobody trains."""
    return [
        name
        for name, weight in networks.named_parameters()
        if name.startswith("joint_reader.joints.") and tuple(weight.shape[2:]) == (1, 1)
    ]
