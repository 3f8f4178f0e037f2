"""A person's hand in a file, the prior in a file of weights, and the photos that teach a hand."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from asl.decoding import brief, shown
from asl.recognizer.teaching import Hand, Prior, Strength, learn
from asl.recognizer.weights import check_layers
from asl.signs import SIGNS
from asl.tensor_files import HAND, check_finite, read_tensors, write_tensors


def teach(
    hand: Hand,
    photos: Mapping[str, Any],
    read: Callable[[Sequence[Any]], tuple[Tensor, Tensor]],
    prior: Prior,
) -> tuple[Hand, list[str]]:
    """Teaches photos of some signs; signs that are not among them stay as they are.

    Args:
        hand: what is known so far.
        photos: sign → a photo or several.
        read: photos → log-probabilities (N, 36) and evidence (N,), as `Recognizer.raw_answers`.
        prior: of the reader.

    Returns:
        hand: with what was taught
        lost: names of photos in which no hand is found

    Raises:
        OSError: if a path cannot be read as an image.
        ValueError: if no photo of a sign shows a hand, or `photos` is not as described.
    """
    lost = []
    for sign, shots in _by_sign(photos).items():
        log_probs, evidence = read(shots)
        seen = (evidence > 0) & log_probs.isfinite().all(dim=1)
        named = [
            f"'{shown(shot)}' of '{sign}'"
            if isinstance(shot, str | os.PathLike)
            else f"photo {i} of '{sign}'"
            for i, shot in enumerate(shots, start=1)
        ]
        without = [name for name, found in zip(named, seen.tolist(), strict=True) if not found]
        if not seen.any():
            raise ValueError(
                f"expected a hand in a photo of '{sign}', found none in {', '.join(without)}: "
                "take it again, with all of the hand in the picture"
            )
        lost += without
        hand = learn(hand, sign, log_probs[seen], prior)
    return hand, lost


def _by_sign(photos: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Returns the shots of each sign, a single one as a list of one."""
    if not isinstance(photos, Mapping) or not photos:
        raise ValueError(f'expected photos by sign, {{"a": [photo, …]}}, found {brief(photos)}')
    found: dict[str, Sequence[Any]] = {}
    for key, shots in photos.items():
        sign = str(key).lower()
        if sign not in SIGNS:
            raise ValueError(f"expected signs of 0-9, a-z, found {brief(key)}")
        if sign in found:
            raise ValueError(f"expected each sign once, found {sign!r} twice")
        found[sign] = shots if isinstance(shots, list | tuple) else [shots]
        if not found[sign]:
            raise ValueError(f"expected at least one photo of {sign!r}, found none")
    return found


def save_hand(hand: Hand, path: str | os.PathLike, fingerprint: str) -> None:
    """Writes a hand to a file, which appears whole or not at all.

    Args:
        hand: what was taught.
        path: the file. It holds no picture, only what the networks answered.
        fingerprint: of the recogniser that was taught.

    Raises:
        OSError: if the file cannot be written.
        ValueError: if a number is not finite.
    """
    check_finite(asdict(hand))
    facts = {"recognizer": fingerprint, "signs": list(SIGNS)}
    write_tensors(path, asdict(hand), facts, format=HAND)


def load_hand(path: str | os.PathLike, fingerprint: str) -> Hand:
    """Reads a hand that `save_hand` wrote for the same recogniser.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, was changed, is no hand, is that of another recogniser or of
            other signs, or holds numbers that no photos give.
    """

    def check(facts: dict, found: dict) -> None:
        try:
            if facts.get("signs") != list(SIGNS):
                raise ValueError(f"expected signs {list(SIGNS)}, found {brief(facts.get('signs'))}")
            if facts.get("recognizer") != fingerprint:
                raise ValueError(
                    f"it was taught to another recogniser, {brief(facts.get('recognizer'))}: "
                    f"teach it again to the one in use, '{fingerprint}'"
                )
            check_layers(asdict(Hand.untaught()), found)
        except ValueError as error:
            raise _unusable(path, error) from error

    tensors, _ = read_tensors(path, format=HAND, check=check)
    hand = Hand(tensors["sums"].float(), tensors["counts"].float())
    try:
        check_finite(asdict(hand))
        # A sum of directions is no longer than there are shots.
        if (hand.counts < 0).any() or (hand.sums.norm(dim=1) > hand.counts + 1e-3).any():
            raise ValueError("expected sums of as many directions as it counts, found longer ones")
    except ValueError as error:
        raise _unusable(path, error) from error
    return hand


def _unusable(path: str | os.PathLike, error: ValueError) -> ValueError:
    return ValueError(f"'{shown(Path(path))}' holds no hand that can be used: {error}")


def prior_from(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Prior | None:
    """Returns the prior of a file of weights, None if it was written without one.

    Args:
        tensors: those whose names begin with "teaching.".
        facts: of the file; ``facts["teaching"]`` is a `Strength` by name.

    Raises:
        ValueError: if a part is missing, of another shape or out of range.
    """
    if not tensors:
        return None
    strength = facts.get("teaching")
    if not isinstance(strength, dict) or set(strength) != set(Strength._fields):
        raise ValueError(
            f"expected teaching with {', '.join(Strength._fields)}, found {brief(strength)}"
        )
    for name, value in strength.items():
        if type(value) not in (int, float) or not 0 <= value <= 1000:
            raise ValueError(f"expected {name} from 0 to 1,000, found {brief(value)}")
    if not strength["temperature"]:
        raise ValueError("expected a temperature above 0, found 0")
    return Prior(
        tensors["teaching.whitening"].float(),
        tensors["teaching.directions"].float(),
        Strength(**strength),
    )
