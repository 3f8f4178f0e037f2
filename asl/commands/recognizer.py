"""The commands that use a recogniser. Those that train one are in `recognizer_training`."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from asl.decoding import IMAGE_SUFFIXES, shown
from asl.evaluation.metrics import accuracy, accuracy_within, merge_look_alikes
from asl.files import written_whole
from asl.folders import class_folders, class_root, files_by_sign, left_out
from asl.live.web_export import export_web
from asl.processes.group import Processes
from asl.processes.joining import joined
from asl.recognizer.export import export_recognizer
from asl.recognizer.recognizer import Answers, Recognizer, Sight
from asl.signs import SHAPE_OF, SIGNS

_TOGETHER = 64  # pictures looked at in one call
_IN_GALLERY = 200  # pictures at most
_FOLLOW = "--follow-links"

# --- predict -------------------------------------------------------------------------------------


def predict(options: argparse.Namespace) -> tuple[dict, str]:
    """Reads pictures, and scores those that lie in class folders as the dataset does.

    A picture or a folder that cannot be read is reported; the others are answered all the same.
    Several processes deal out the pictures of each folder.
    """
    with joined("cpu") as processes:
        return _predict(options, processes)


def _predict(options: argparse.Namespace, processes: Processes) -> tuple[dict, str]:
    recognizer = Recognizer.load(options.weights)
    result: dict = {"answers": {}, "unreadable": {}, "left_out": [], "scores": {}}
    lines, everything = [], []

    def say(words: str) -> None:
        if processes.rank == 0:
            print(words, file=sys.stderr)

    def report(path: Path, reason: object) -> None:
        options.status = 2
        result["unreadable"][str(path)] = str(reason)
        say(f"error: {reason}")

    for given in options.pictures:
        try:
            signs, others, outside, closed = _pictures_in(given, options.follow_links)
        except (OSError, ValueError) as error:
            report(given, error)
            continue
        for folder, why in closed.items():
            report(folder, f"cannot read '{shown(folder)}': {why}")
        if words := left_out(others, outside, given, _FOLLOW):
            result["left_out"] += map(str, [*others, *outside])
            say(words)
        named = []
        mine = processes.dealt(list(signs))
        parts = processes.each(dict(_read(recognizer, mine, options.top)))
        read = {path: found for part in parts for path, found in part.items()}
        for path, sign in signs.items():
            found = read[path]
            if isinstance(found, OSError):
                report(path, found)
                continue
            answers, log_probs = found
            result["answers"][str(path)] = answers
            lines.append(f"{shown(path)}: {_sentence(answers)}")
            everything.append((path, sign))
            if sign is not None:
                named.append((log_probs, answers, sign))
        if named:
            scores = _scores(named)
            result["scores"][str(given)] = scores
            scored = ", ".join(f"{k} {v}" for k, v in scores.items())
            lines.append(f"{shown(given)}: {scored}")
    if everything and options.gallery:
        result["gallery"] = str(options.gallery)
        draw = partial(_draw_gallery, recognizer, everything, options.gallery)
        lines.append(processes.from_first(draw))
    return result, "\n".join(lines)


def _draw_gallery(
    recognizer: Recognizer, seen: Sequence[tuple[Path, str | None]], output: Path
) -> str:
    """Draws all pictures, or as many of them, evenly spread, as a person can look at."""
    from asl.plots.images import plot_gallery  # matplotlib, which only figures need

    sign_of = dict(seen[:: -(-len(seen) // _IN_GALLERY)])
    # They are looked at again, so that only these were kept. One may be gone in the meantime.
    found = _look_at(recognizer, list(sign_of), 1)
    sights = {path: sight for path, sight in found if not isinstance(sight, OSError)}
    with written_whole(output) as draft:
        figure = plot_gallery(list(sights.values()), [sign_of[path] for path in sights])
        figure.savefig(draft, dpi=100)
    return f"{shown(output)}: {len(sights)} of {len(seen)} pictures"


def _pictures_in(
    given: Path, follow_links: bool
) -> tuple[dict[Path, str | None], list[Path], list[Path], dict[Path, str]]:
    """Returns a picture, or those in a folder or in its class folders, as `files_by_sign`.

    The pictures come with the signs of their class folders.
    """
    if not os.path.isdir(given):
        return {given: None}, [], [], {}
    root = class_root(given)
    folders: list = [(None, given)] if root is None else class_folders(root)
    found = files_by_sign(folders, None if follow_links else given)
    pictures, others, outside, closed = found
    if not pictures and not closed:
        words = left_out(others, outside, given, _FOLLOW)
        raise ValueError(
            f"expected pictures ({', '.join(IMAGE_SUFFIXES)}) in the folder '{shown(given)}', or "
            "in class folders 0-9, a-z in it, found none" + (f"; {words}" if words else "")
        )
    return found


def _read(
    recognizer: Recognizer, paths: Sequence[Path], top: int
) -> Iterator[tuple[Path, tuple[Answers, Tensor] | OSError]]:
    """Yields each picture with its answers and log-probabilities, or why it cannot be read.

    The picture is not kept: there may be thousands.
    """
    for path, sight in _look_at(recognizer, paths, top):
        if isinstance(sight, OSError):
            yield path, sight
        else:
            yield path, (sight.answers, sight.log_probs + 0 * sight.hand)  # nan if either is


def _look_at(
    recognizer: Recognizer, paths: Sequence[Path], top: int
) -> Iterator[tuple[Path, Sight | OSError]]:
    for start in range(0, len(paths), _TOGETHER):
        some = paths[start : start + _TOGETHER]
        try:
            yield from zip(some, recognizer.look(some, top), strict=True)
        except OSError as error:
            if len(some) == 1:
                yield some[0], error
            else:  # find out which
                for path in some:
                    yield from _look_at(recognizer, [path], top)


def _sentence(answers: Answers) -> str:
    (sign, probability), *others = answers
    rest = ", ".join(f"{other} {100 * p:.0f} %" for other, p in others)
    if sign is None:
        return "no confident sign" + (f" (perhaps {rest})" if rest else "")
    return f"{sign} {100 * probability:.0f} %" + (f" ({rest})" if rest else "")


def _scores(seen: Sequence[tuple[Tensor, Answers, str]]) -> dict[str, float | int]:
    """Returns accuracies in percent of pictures whose signs are known.

    Where the networks computed no number, the picture counts as wrong and not answered.
    """
    log_probs = torch.stack([answer for answer, _, _ in seen])
    labels = torch.tensor([SIGNS.index(sign) for _, _, sign in seen])
    lost = ~log_probs.exp().sum(dim=1).isfinite()
    shapes = torch.tensor(SHAPE_OF)
    log_probs[lost] = (shapes != shapes[labels[lost], None]).float().log().log_softmax(dim=1)
    answered = [answers[0][0] is not None for _, answers, _ in seen]
    shares = {
        "36 labels": accuracy(log_probs, labels),
        "33 shapes": accuracy(*merge_look_alikes(log_probs, labels)),
        "within its signs": accuracy_within(log_probs, labels),
        "answered": sum(answered) / len(answered),
    }
    counts = {"images": len(seen)}
    if lost.any():
        counts["no number, counted as wrong"] = int(lost.sum())
    return counts | {name: round(100 * share, 1) for name, share in shares.items()}


# --- export --------------------------------------------------------------------------------------


def export(options: argparse.Namespace) -> tuple[dict, str]:
    """Writes a recogniser as one file that runs without this project, or as a page that does."""
    if options.runtime and options.format != "web":
        raise ValueError(f"expected --runtime with --format web, found {options.format}")
    recognizer = Recognizer.load(options.weights)
    if options.format == "web":
        path = export_web(recognizer, options.folder, runtime=options.runtime)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
        return {"folder": str(path), "MB": round(size, 2)}, (
            f"a page for any web server, {size:.1f} MB: {path}"
        )
    path = export_recognizer(recognizer, options.folder, format=options.format)
    return {"file": str(path)}, f"written and checked: {path}"
