"""What nobody can beat on a machine: reading the files, decoding them, multiplying matrices.

    python benchmarks/limits.py --data asl_dataset

`benchmarks/bench.py` runs this file and reads the line of JSON that it prints. Decoding is that of
libjpeg-turbo at the smallest scale that the standard input needs, with a thread for each core, and
nothing else: no check, no resizing, nothing kept.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from asl.folders import images_by_sign
from asl.models import ASLNet
from asl.signs import IMAGE_SIZE

READ, DECODE, RATE = "reading the bytes", "decoding, all cores", "GFLOP/s"
_TOGETHER = 16  # files that a thread takes at a time: to hand each over takes time
_SIDE = 1024  # of the matrices that are multiplied


def read(file: str) -> None:
    Path(file).read_bytes()


def decode(file: str) -> None:
    with Image.open(file) as image:
        image.draft("RGB", (IMAGE_SIZE, IMAGE_SIZE))
        image.load()


def seconds_for(action: Callable[[str], None], files: Sequence[str]) -> float:
    """Returns how long it takes to do something with each file, on all cores."""

    def some(start: int) -> None:
        for file in files[start : start + _TOGETHER]:
            action(file)

    start = timer()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(some, range(0, len(files), _TOGETHER)))
    return timer() - start


def multiplying_rate(repeats: int = 31) -> float:
    """Returns how many 10⁹ operations a second torch does in a product of large matrices."""
    a, b = torch.rand(2, _SIDE, _SIDE)
    seconds = []
    for _ in range(repeats):
        start = timer()
        torch.mm(a, b)
        seconds.append(timer() - start)
    return 2 * _SIDE**3 / median(seconds) / 1e9


def operations_of_cnn(batch: int = 64) -> tuple[float, float]:
    """Returns the operations for one image: those of a training step, and of an answer.

    Counted are convolutions and matrix products, a multiplication and an addition as two.
    """
    model, images = ASLNet(), torch.rand(batch, 3, IMAGE_SIZE, IMAGE_SIZE)
    labels = torch.zeros(batch, dtype=torch.long)
    with FlopCounterMode(display=False) as training:
        torch.nn.functional.nll_loss(model(images), labels).backward()
    with FlopCounterMode(display=False) as answering, torch.no_grad():
        model(images)
    return training.get_total_flops() / batch, answering.get_total_flops() / batch


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    options = parser.parse_args(arguments)
    files = list(images_by_sign(options.data, None)[0])
    found = {READ: seconds_for(read, files), DECODE: seconds_for(decode, files)}
    training, answering = operations_of_cnn()
    operations = {"training": training / 1e6, "answering": answering / 1e6}
    found |= {RATE: multiplying_rate()}
    print(json.dumps(found | {f"MFLOP, {name}": value for name, value in operations.items()}))


if __name__ == "__main__":
    main()
