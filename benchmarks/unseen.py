"""Packs the recognisers that have not seen some people into one file of the repository, and back.

    python benchmarks/unseen.py unpack build/recognizers
    python benchmarks/unseen.py pack build/recognizers/without-*.safetensors

Three recognisers say how well strangers are read, and `make recognizer` trains them for hours. Most
of their tensors are those of the weights that ship, so the file holds the others only: it is less
than a third as large. It belongs to the weights that shipped when it was packed, and no others.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from asl.files import CHECKOUT
from asl.recognizer.recognizer import SHIPPED_WEIGHTS
from asl.recognizer.recognizer_files import fingerprint_of
from asl.tensor_files import RECOGNIZER, read_tensors, write_tensors

PACKED = CHECKOUT / "results" / "unseen.safetensors"
_FORMAT = "asl-unseen 1"


def pack(recognizers: Sequence[Path], packed: Path, base: Path = SHIPPED_WEIGHTS) -> None:
    """Writes those tensors of recognisers that a base does not have, and all their facts."""
    known, _ = read_tensors(base, format=RECOGNIZER)
    tensors: dict[str, Tensor] = {}
    facts: dict[str, dict] = {}
    for path in recognizers:
        theirs, of = read_tensors(path, format=RECOGNIZER)
        same = [name for name in theirs if name in known and _equal(theirs[name], known[name])]
        tensors |= {f"{path.name}/{name}": theirs[name] for name in theirs if name not in same}
        facts[path.name] = {"facts": of, "same": same}
    write_tensors(packed, tensors, {"base": _digest(base), "recognizers": facts}, format=_FORMAT)


def unpack(packed: Path, folder: Path, base: Path = SHIPPED_WEIGHTS) -> list[Path]:
    """Writes the recognisers that `pack` was given, and returns their files.

    Raises:
        ValueError: if the base is another one than then.
    """
    known, _ = read_tensors(base, format=RECOGNIZER)
    tensors, facts = read_tensors(packed, format=_FORMAT)
    if facts["base"] != _digest(base):
        raise ValueError(
            f"expected the weights that '{packed}' was packed beside, found others in '{base}': "
            "pack the recognisers again that these were calibrated with"
        )
    files = []
    for name, of in facts["recognizers"].items():
        theirs = {
            n.removeprefix(f"{name}/"): t for n, t in tensors.items() if n.startswith(f"{name}/")
        }
        theirs |= {same: known[same] for same in of["same"]}
        files.append(folder / name)
        write_tensors(files[-1], theirs, of["facts"], format=RECOGNIZER)
    return files


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.equal(other)


def _digest(path: Path) -> str:
    """Returns what the tensors of a file are, whatever its facts say."""
    return fingerprint_of(read_tensors(path, format=RECOGNIZER)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("paths", nargs="+", type=Path, help="files to pack, or a folder for them")
    options = parser.parse_args()
    if options.what == "pack":
        pack(options.paths, PACKED)
        print(PACKED)
    elif len(options.paths) == 1:
        print(*unpack(PACKED, *options.paths), sep="\n")
    else:
        sys.exit("expected one folder")


if __name__ == "__main__":
    main()
