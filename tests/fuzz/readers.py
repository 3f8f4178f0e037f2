"""Small whole files of every kind that the project reads, and what reads each.

A reader returns a file's content, as text or bytes that can be compared, or None if it refused the
file as documented. Whatever else happens is a fault.
"""

import contextlib
import hashlib
import io
import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from damage import damaged, forged
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

import asl
from asl import Recognizer, create_sequential_model, load_model, load_results, save_model
from asl.data import ASLDataset
from asl.decoding import open_rgb
from asl.evaluation.fold_cache import FoldCache
from asl.recognizer.hand_files import load_hand
from asl.recognizer.teaching import Hand, learn

LIMIT_S = 5
"""No file may take longer."""

REFUSED = (OSError, ValueError, Image.DecompressionBombError)
"""What is documented to be raised for a file that cannot be read."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        whole: contents of whole files.
        read: a file and a folder to work in → its content, or None if it was refused.
        checked: only the content of the whole file may be accepted.
        damage: returns a content with random damages, see `damage.damaged`.
    """

    whole: Callable[[], list[bytes]]
    read: Callable[[Path], Any]
    checked: bool
    damage: Callable[[bytes, Random, Sequence[bytes]], bytes] = damaged


class OtherContent(AssertionError):
    """A damaged file was accepted, with other content than what was written."""


def outcome(kind: Kind, path: Path, expected: Any = None) -> str:
    """Reads a damaged file.

    Args:
        kind: of the file.
        path: the file.
        expected: what the whole file holds.

    Returns:
        ``"read"`` or ``"refused"``

    Raises:
        OtherContent: if a checked file was accepted with other content.
    """
    # Pillow warns of much that it mends. A warning is no error for users.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = kind.read(path)
    if content is None:
        return "refused"
    if kind.checked and content != expected:
        raise OtherContent(f"accepted other content in '{path}'")
    return "read"


# --- pictures ------------------------------------------------------------------------------------


@cache
def pictures() -> list[bytes]:
    """Returns small pictures of every format, and of every way to keep one that differs."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 24, 4), dtype=np.uint8)
    rgb, rgba = Image.fromarray(noise[..., :3]), Image.fromarray(noise)
    grey, deep = rgb.convert("L"), Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [rgb.rotate(180)], "duration": 50}
    ways: list[tuple[Image.Image, str, dict]] = [
        (rgb, "png", {"exif": exif}),
        (rgba, "png", {}),
        (rgb.quantize(16), "png", {"transparency": 3}),
        (grey.convert("1"), "png", {}),
        (grey.convert("LA"), "png", {}),
        (deep, "png", {}),
        (rgb, "png", frames),
        (rgb, "jpeg", {"exif": exif}),
        (rgb, "jpeg", {"progressive": True}),
        (grey, "jpeg", {}),
        (rgb.convert("CMYK"), "jpeg", {}),
        (rgb, "webp", {"exif": exif}),
        (rgba, "webp", {"lossless": True}),
        (rgb, "webp", frames),
        (rgb, "bmp", {}),
        (rgb.quantize(4), "bmp", {}),
        (rgb, "tiff", {}),
        (rgb, "tiff", {"compression": "tiff_lzw"}),
        (rgb, "tiff", {"compression": "tiff_adobe_deflate"}),
        (rgb, "tiff", {"compression": "jpeg"}),
        (grey.convert("1"), "tiff", {"compression": "group4"}),
        (deep, "tiff", {}),
        (rgb, "avif", {"exif": exif.tobytes()}),
        (rgba, "avif", {}),
        (rgb, "gif", frames),
    ]
    files = []
    for image, suffix, options in ways:
        file = io.BytesIO()
        image.save(file, suffix, **options)
        files.append(file.getvalue())
    return files


def _refused(read: Callable[[Path], Any], errors: tuple = REFUSED) -> Callable[[Path], Any]:
    """Returns what reads a file, or returns None where it is refused as documented."""

    def careful(path: Path) -> Any:
        try:
            return read(path)
        except errors:
            return None

    return careful


def _decode(path: Path) -> tuple[int, int]:
    for size in (None, 192):
        image = open_rgb(path, size=size)
        assert image.mode == "RGB" and min(image.size) >= 1, image
        image.load()
    return image.size


@cache
def small_recognizer() -> Recognizer:
    torch.manual_seed(0)
    return Recognizer.create("mlp", 8)


def _look(path: Path) -> list:
    (sight,) = small_recognizer().look([path])
    assert len(sight.answers) == 3 and sight.frame.mode == "RGB"
    return sight.answers


# --- weights -------------------------------------------------------------------------------------


def _written(write: Callable[[Path], object]) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "file")
        (file,) = (path for path in Path(folder).rglob("*") if path.name[0] != ".")
        return [file.read_bytes()]


def state_of(*modules: nn.Module) -> str:
    """Returns a key of all numbers in modules, with their names and types."""
    digest = hashlib.sha256()
    for module in modules:
        for name, value in module.state_dict().items():
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_finite(*modules: nn.Module) -> None:
    """Raises AssertionError if weights were let in that are no numbers."""
    for module in modules:
        for name, value in module.state_dict().items():
            assert value.isfinite().all(), name


def _load_recognizer(path: Path) -> tuple:
    found = Recognizer.load(path)
    _check_finite(found.finder, found.classifier)
    facts = (found.architecture, found.image_size, found.temperature, found.threshold, found.facts)
    return state_of(found.finder, found.classifier), repr(facts)


@cache
def small_model() -> nn.Sequential:
    torch.manual_seed(0)
    return create_sequential_model(image_size=4)


def _load_model(path: Path) -> tuple:
    model = load_model(path)
    _check_finite(model)
    return state_of(model), repr([vars(model)["asl_metrics"], vars(model)["asl_input"]])


@cache
def taught_recognizer() -> Recognizer:
    recognizer = small_recognizer()
    answers = torch.randn(2, 36, generator=torch.Generator().manual_seed(0)).log_softmax(1)
    return replace(recognizer, hand=learn(Hand.untaught(), "a", answers, recognizer.prior))


@cache
def _fingerprint() -> str:
    return small_recognizer().fingerprint()


def _load_hand(path: Path) -> bytes:
    hand = load_hand(path, _fingerprint())
    assert hand.sums.isfinite().all() and hand.counts.isfinite().all()
    return hand.sums.numpy().tobytes() + hand.counts.numpy().tobytes()


# --- checkpoints and folds -----------------------------------------------------------------------

_IMAGES = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
_DATA = TensorDataset(_IMAGES, torch.arange(8))


def train_one_epoch(path: Path) -> tuple:
    """Trains one epoch, or reads the checkpoint of that training."""
    return _train(path, 1)


def _train_two_epochs(path: Path) -> tuple:
    """Trains two epochs, or goes on from the checkpoint of that training."""
    return _train(path, 2)


def _begin_two_epochs(path: Path) -> None:
    """Trains two epochs and is interrupted in the second."""

    def interrupt(epoch: int, _: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        _train(path, 2, callback=interrupt)


def _train(path: Path, epochs: int, **options: Any) -> tuple:
    torch.manual_seed(1)
    model = create_sequential_model(image_size=4)
    options |= {"checkpoint": path, "seed": 0, "device": "cpu", "progress": False}
    metrics = asl.train_model(model, _DATA, None, epochs, **options)  # type: ignore[arg-type]
    _check_finite(model)
    del metrics["epoch_times"]
    return state_of(model), repr(dict(metrics))


_JOB = (0, (1,))
_FOLDS = {0: torch.arange(12) % 3}


@cache
def _data_of_folds() -> ASLDataset:
    dataset = object.__new__(ASLDataset)  # as many images as there are answers; none is read
    vars(dataset).update(images=torch.zeros(12, 3, 1, 1), labels=[0] * 12, transform=None)
    return dataset


def _cache(folder: Path) -> FoldCache:
    return FoldCache(folder, nn.Identity, _data_of_folds(), {})


def write_fold(path: Path) -> None:
    answers = torch.randn(4, 36, generator=torch.Generator().manual_seed(0)).log_softmax(1)
    _cache(path.parent).write(_JOB, _FOLDS[0], answers)


def _read_fold(path: Path) -> bytes | None:
    cache = _cache(path.parent)
    path.replace(cache._path(_JOB, _FOLDS[0]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = cache.read([_JOB], _FOLDS)
    if found:
        assert found[_JOB].exp().isfinite().all()
        return found[_JOB].numpy().tobytes()
    assert [of.category for of in caught] == [UserWarning], caught
    return None


# --- recorded results ----------------------------------------------------------------------------


def _results() -> list[bytes]:
    figures = {"setting": {"seeds": [0, 1], "what": "ä"}, "accuracy": 0.5, "rows": [[1, None]]}
    return [json.dumps(figures, indent=1).encode()]


def _load_results(path: Path) -> Any:
    (path.parent / "results").mkdir(exist_ok=True)
    path.replace(path.parent / "results" / "figures.json")
    with patch("asl.evaluation.report.CHECKOUT", path.parent):
        return load_results("figures")


_refused_weights = partial(_refused, errors=(OSError, ValueError))
_OF_TENSORS = {
    "recogniser": Kind(
        lambda: _written(small_recognizer().save), _refused_weights(_load_recognizer), True
    ),
    "model": Kind(
        lambda: _written(lambda path: save_model(small_model(), path)),
        _refused_weights(_load_model),
        True,
    ),
    "hand": Kind(
        lambda: _written(taught_recognizer().save_hand), _refused_weights(_load_hand), True
    ),
    "checkpoint": Kind(lambda: _written(train_one_epoch), _refused_weights(train_one_epoch), True),
    "fold": Kind(lambda: _written(write_fold), _read_fold, True),
}
# Of checkpoints, one that a training goes on from: whatever it holds is then used.
_GONE_ON = Kind(
    lambda: _written(_begin_two_epochs), _refused_weights(_train_two_epochs), False, forged
)
KINDS = (
    {
        "picture": Kind(pictures, _refused(_decode), False),
        "picture, looked at": Kind(pictures, _refused(_look, (OSError, ValueError)), False),
    }
    | _OF_TENSORS
    | {
        f"{name}, signed again": replace(kind, checked=False, damage=forged)
        for name, kind in _OF_TENSORS.items()
    }
    | {"checkpoint, signed again": _GONE_ON}
    | {"results": Kind(_results, _refused(_load_results, (OSError, ValueError)), False)}
)
