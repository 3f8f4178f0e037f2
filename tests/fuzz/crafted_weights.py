"""Files of weights whose checksum fits but whose content must not be let in.

For `benchmarks/torture.py` and the tests. To measure how much memory and time it takes to refuse
them, a fresh process reads all of a folder:

    python tests/fuzz/crafted_weights.py FOLDER
"""

import json
import math
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from peak_memory import begin, megabytes_since
from safetensors.torch import save
from torch import Tensor, nn

from asl import ASLNet, Recognizer, load_model, save_model
from asl.tensor_files import MODEL, RECOGNIZER, _digest, read_tensors

FILTER = "classifier.features.0.0.weight"
VOTE = "finder.vote.weight"
VARIANCE = "classifier.features.0.1.running_var"
LIMIT_MB = 200
LIMIT_S = 1


@dataclass(frozen=True)
class Crafted:
    """A file that must be refused.

    Attributes:
        write: writes it to a path.
        load: what must refuse it.
        message: a pattern of the reason.
    """

    write: Callable[[Path], object]
    load: Callable[[Path], object]
    message: str


def measure() -> dict[str, Any]:
    """Lets a fresh process refuse all of `CRAFTED`.

    Returns:
        "refused": how many; "let in": names of the others; "MB" of memory at most, above what the
        process had before; "slowest" and "slowest (s)".
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CRAFTED.values()):
            case.write(Path(folder) / str(number))
        for name, (write, _) in _WHOLE.items():
            write(Path(folder) / name)
        command = [sys.executable, __file__, folder]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def _measure_refusing(folder: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    for name, (_, load) in _WHOLE.items():  # what they import is no part of it
        load(folder / name)
    seconds, let_in = {}, []
    before = begin()
    for number, (name, case) in enumerate(CRAFTED.items()):
        start = time.perf_counter()
        try:
            case.load(folder / str(number))
            let_in.append(name)
        except ValueError:
            pass
        seconds[name] = time.perf_counter() - start
    slowest = max(seconds, key=lambda name: seconds[name])
    return {
        "refused": len(CRAFTED) - len(let_in),
        "let in": let_in,
        "MB": megabytes_since(before),
        "slowest": slowest,
        "slowest (s)": round(seconds[slowest], 3),
    }


# --- whole files ----------------------------------------------------------------------------------


def _write_recognizer(path: Path) -> None:
    torch.manual_seed(0)
    Recognizer.create("resnet", image_size=32).save(path)


def _write_model(path: Path) -> None:
    save_model(ASLNet(image_size=16), path)


_WHOLE: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "recogniser": (_write_recognizer, Recognizer.load),
    "model": (_write_model, load_model),
}


@cache
def _whole(format: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the tensors and facts of a whole file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        _WHOLE["recogniser" if format == RECOGNIZER else "model"][0](path)
        return read_tensors(path, format=format)


# --- what is wrong with the crafted ones ----------------------------------------------------------


def filled(name, value):
    """Returns what puts one number into a tensor."""

    def change(tensors):
        tensors[name] = tensors[name].clone()
        tensors[name].flatten()[0] = value

    return change


def cast(name, dtype):
    return lambda tensors: tensors.update({name: tensors[name].to(dtype)})


def put(**tensors):
    return lambda all_of_them: all_of_them.update(tensors)


DEEP = "[" * 50_000 + "]" * 50_000

TENSORS = {
    "nan": (filled(FILTER, math.nan), f"found nan or infinity in {FILTER}"),
    "infinity": (filled(FILTER, math.inf), f"found nan or infinity in {FILTER}"),
    "infinity in the finder": (filled(VOTE, math.inf), f"found nan or infinity in {VOTE}"),
    "minus infinity": (filled(FILTER, -math.inf), f"found nan or infinity in {FILTER}"),
    "nan variance": (filled(VARIANCE, math.nan), f"found nan or infinity in {VARIANCE}"),
    "infinite variance": (filled(VARIANCE, math.inf), f"found nan or infinity in {VARIANCE}"),
    "float64": (cast(FILTER, torch.float64), f"{FILTER} of torch.float32, found F64"),
    "int8": (cast(FILTER, torch.int8), "found I8"),
    "bool": (cast(FILTER, torch.bool), "found BOOL"),
    "complex": (cast(FILTER, torch.complex64), "found C64"),
    "bfloat16": (cast(FILTER, torch.bfloat16), "found BF16"),
    "float8": (cast(FILTER, torch.float8_e4m3fn), "found F8_E4M3"),
    "a count that is a float": (
        cast("classifier.features.0.1.num_batches_tracked", torch.float32),
        "of torch.int64, found F32",
    ),
    "missing": (lambda tensors: tensors.pop(FILTER), f"expected a tensor '{FILTER[:5]}"),
    "no finder of this version": (
        lambda tensors: tensors.pop("finder.at_16.0.activation.weight"),
        "expected a tensor 'finder.at_16",
    ),
    "none at all": (lambda tensors: tensors.clear(), "expected a tensor .*, found none"),
    "extra": (put(**{"classifier.more": torch.ones(1)}), "found 'classifier.more' beside them"),
    "of no network": (put(**{"more.weight": torch.ones(1)}), "found 'more.weight' beside them"),
    "a name that clears the screen": (put(**{"\x1b[2J": torch.ones(1)}), r"found '\\x1b\[2J'"),
    "another shape": (put(**{FILTER: torch.ones(32, 3, 5, 5).half()}), r"found \(32, 3, 5, 5\)"),
    "a scalar": (put(**{FILTER: torch.ones(()).half()}), r"found \(\)"),
    "empty": (put(**{FILTER: torch.ones(0, 3, 3, 3).half()}), r"found \(0, 3, 3, 3\)"),
}

FACTS = {
    "temperature 0": ({"temperature": 0}, "temperature from 0.01 to 100, found 0"),
    "temperature below 0": ({"temperature": -1.0}, "found -1.0"),
    "temperature nan": ({"temperature": math.nan}, "found nan"),
    "temperature infinite": ({"temperature": math.inf}, "found inf"),
    "temperature 1e-300": ({"temperature": 1e-300}, "found 1e-300"),
    "temperature true": ({"temperature": True}, "temperature as a number, found True"),
    "temperature a text": ({"temperature": "1"}, "temperature as a number, found '1'"),
    "temperature none": ({"temperature": None}, "temperature as a number, found None"),
    "temperature of many digits": ({"temperature": 10**4000}, "temperature from"),
    "threshold above 1": ({"threshold": 1.01}, "threshold from 0 to 1, found 1.01"),
    "threshold below 0": ({"threshold": -0.01}, "found -0.01"),
    "threshold nan": ({"threshold": math.nan}, "threshold from 0 to 1, found nan"),
    "threshold a list": ({"threshold": [0.5]}, r"threshold as a number, found \[0.5\]"),
    "size 100,000": ({"image_size": 100_000}, "image_size as a whole number.*found 100000"),
    "size a float": ({"image_size": 32.0}, "found 32.0"),
    "size below 0": ({"image_size": -32}, "found -32"),
    "size 0": ({"image_size": 0}, "found 0"),
    "size true": ({"image_size": True}, "found True"),
    "size a text": ({"image_size": "32"}, "found '32'"),
    "size none": ({"image_size": None}, "found None"),
    "size of other tensors": ({"image_size": 48}, "of shape .*, found"),
    "size that no network takes": ({"image_size": 33}, "a positive multiple of 16"),
    "largest size": (
        {"architecture": "mlp", "image_size": 1024},
        "expected a tensor|unable to mmap",
    ),
    "architecture unknown": ({"architecture": "vit"}, "expected an architecture of"),
    "architecture a list": ({"architecture": ["resnet"]}, "architecture as text"),
    "architecture long": ({"architecture": "x" * 1_000_000}, "found 'xxxxx.{1,20}\\.\\.\\."),
    "other classes": ({"classes": list("abc")}, "expected classes"),
    "classes a number": ({"classes": 36}, "expected classes"),
    "facts a list": ({"facts": []}, r"facts in a dict, found \[\]"),
    "facts none": ({"facts": None}, "facts in a dict, found None"),
}

TEXTS = {
    "nested deep": DEEP,
    "nested deep in a dict": f'{{"facts": {DEEP}}}',
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "no JSON": "{",
    "nothing": "",
    "a number of many digits": f'{{"temperature": {"9" * 5000}}}',
    "long": json.dumps({"facts": {"x": [[]] * 1_500_000}}),
}

MODELS = {
    "nan": (filled("classifier.0.weight", math.nan), {}, "nan or infinity in classifier.0"),
    "infinity": (filled("shared.2.running_var", math.inf), {}, "nan or infinity in shared.2"),
    "float64": (cast("classifier.0.weight", torch.float64), {}, "of other layers: .*found F64"),
    "extra": (put(more=torch.ones(1)), {}, "of other layers: .*found 'more' beside them"),
    "missing": (lambda tensors: tensors.pop("attention.0.bias"), {}, "'attention.0.bias', found n"),
    "size 100,000": (put(), {"image_size": 100_000}, "image_size as a whole number"),
    "size none": (put(), {"image_size": None}, "image_size as a whole number"),
    "size a float": (put(), {"image_size": 16.0}, "image_size as a whole number"),
    "size of other tensors": (put(), {"image_size": 32}, "of other layers: .*of shape"),
    "size that does not fit": (put(), {"image_size": 17}, "positive multiple of 4"),
    "architecture a list": (put(), {"architecture": []}, "which this project cannot build"),
    "architecture none": (put(), {"architecture": None}, "which this project cannot build"),
    "metrics a list": (put(), {"metrics": [1]}, r"metrics in a dict, found \[1\]"),
    "metrics of text": (put(), {"metrics": {"losses": ["x"]}}, "numbers as 'losses'"),
    "metrics no lists": (put(), {"metrics": {"losses": 3}}, "numbers as 'losses', found 3"),
    "transform a number": (put(), {"transform": 3}, "transform as text, found 3"),
    "other classes": (put(), {"classes": None}, "expected classes .*, found None"),
}


def _write(path: Path, tensors: dict[str, Tensor], text: str, format: str = RECOGNIZER) -> None:
    """Writes a file with a fitting checksum, whatever the facts and the dtypes."""
    digest = _digest(tensors, text, format)
    path.write_bytes(save(tensors, {"format": format, "facts": text, "sha256": digest}))


def _changed(
    path: Path, format: str, change: Callable | None = None, facts: dict | None = None
) -> None:
    """Writes a whole file with other tensors or facts; a fact of `_MISSING` is left out."""
    tensors, written = _whole(format)
    tensors = dict(tensors)
    if change is not None:
        change(tensors)
    written = {k: v for k, v in (written | (facts or {})).items() if v is not _MISSING}
    _write(path, tensors, json.dumps(written), format)


_MISSING = object()


def _of_other_text(path: Path, text: str, format: str) -> None:
    _write(path, _whole(RECOGNIZER)[0], text, format)


def _of_long_header(path: Path, length: int) -> None:
    path.write_bytes(struct.pack("<Q", length) + b"{}")


def _of_huge_tensor(path: Path, format: str) -> None:
    size = 40 * 2**30
    header = {
        "__metadata__": {
            "format": format,
            "facts": json.dumps(_whole(format)[1]),
            "sha256": "0" * 64,
        },
        FILTER: {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]},
    }
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)  # a hole, which takes no place on most disks


class Masked(nn.Module):
    """A model of a user's own with a buffer that is infinite on purpose."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(36)
        self.register_buffer("mask", torch.tensor([0, -math.inf]))


def masked() -> Masked:
    mine = Masked()
    mine.layer(torch.ones(1, 5))
    return mine


def _write_masked_of_nan(path: Path) -> None:
    mine = masked()
    mine.layer.weight.data[0] = math.nan
    save_model(mine, path)


_LOAD = {RECOGNIZER: Recognizer.load, MODEL: load_model}
_NEEDED = ("architecture", "image_size", "classes", "mean", "std", "temperature", "threshold")
CRAFTED: dict[str, Crafted] = (
    {
        name: Crafted(
            partial(_changed, format=RECOGNIZER, change=change),
            Recognizer.load,
            f"no recogniser of this version: .*{message}",
        )
        for name, (change, message) in TENSORS.items()
    }
    | {
        name: Crafted(partial(_changed, format=RECOGNIZER, facts=facts), Recognizer.load, message)
        for name, (facts, message) in FACTS.items()
    }
    | {
        f"no {name}": Crafted(
            partial(_changed, format=RECOGNIZER, facts={name: _MISSING}),
            Recognizer.load,
            f"expected {name}, found none",
        )
        for name in (*_NEEDED, "facts")
    }
    | {
        f"facts that are {name}, {format}": Crafted(
            partial(_of_other_text, text=text, format=format), load, "expected a"
        )
        for name, text in TEXTS.items()
        for format, load in _LOAD.items()
    }
    | {
        f"a description of {length:,} bytes": Crafted(
            partial(_of_long_header, length=length), Recognizer.load, "its header is too long"
        )
        for length in (2**62, 2**40, 100_000_000)
    }
    | {
        f"a huge tensor, {format}": Crafted(
            partial(_of_huge_tensor, format=format), load, "expected a tensor|unable to mmap"
        )
        for format, load in _LOAD.items()
    }
    | {
        f"{name}, of a model": Crafted(
            partial(_changed, format=MODEL, change=change, facts=facts), load_model, message
        )
        for name, (change, facts, message) in MODELS.items()
    }
    | {
        "nan in a model of your own": Crafted(
            _write_masked_of_nan,
            lambda path: load_model(path, Masked()),
            "infinity in layer.weight",
        )
    }
)


if __name__ == "__main__":
    print(json.dumps(_measure_refusing(Path(sys.argv[1]))))
