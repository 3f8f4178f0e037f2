"""How fast the recogniser is: one picture, many, a large one, a whole folder.

    python benchmarks/recognising.py --data asl_dataset

`benchmarks/bench.py` runs this file and reads the line of JSON that it prints.
`benchmarks/recognizer.py`, which measures what the recogniser gets right, calls `speed`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from timeit import default_timer as timer
from unittest.mock import patch

import numpy as np
import torch
from contenders import peak_memory
from PIL import Image

import asl
from asl.evaluation.metrics import accuracy, merge_look_alikes
from asl.folders import images_by_sign
from asl.recognizer.recognizer import SHIPPED_WEIGHTS

MEGAPIXELS = (0.2, 0.5, 1, 3, 6, 12)
_TOGETHER = 64  # pictures looked at in one call, as `asl predict` does


def speed(recognizer: asl.Recognizer, files: list[str], passes: int = 15) -> dict:
    """Returns times: medians of passes after a warm-up, and the fastest and the slowest."""

    def times(action: Callable) -> list[float]:
        found = []
        for _ in range(passes + 1):
            start = timer()
            action()
            found.append(timer() - start)
        return sorted(found[1:])

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one = [1000 * t / 50 for t in times(lambda: [recognizer(file) for file in files[:50]])]

    def twenty() -> list[float]:
        return [1000 * t / 20 for t in times(lambda: [recognizer(file) for file in files[:20]])]

    def every(answers: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(answers)) > 0

    def none(answers: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(answers)) > 0

    seeing = "asl.recognizer.seeing"
    with patch(f"{seeing}.certain", every):
        one_crop = twenty()
    with patch(f"{seeing}.certain", none):
        with patch(f"{seeing}.unsure", none):
            joints = twenty()
        with patch(f"{seeing}.unsure", every):
            twice = twenty()
            with patch(f"{seeing}.missed", every):
                elsewhere = twenty()
    torch.set_num_threads(2)
    many = [256 / t for t in times(lambda: recognizer(files[:256]))]
    torch.set_num_threads(threads)
    code = (
        "import torch, time; start = time.perf_counter(); from asl import Recognizer; "
        "Recognizer.load(); print(time.perf_counter() - start)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(5)]
    return {
        "one 400x400 JPEG, one thread (ms)": round(median(one), 1),
        "fastest and slowest pass (ms)": [round(one[0], 1), round(one[-1], 1)],
        "the same, one crop read (ms)": round(median(one_crop), 1),
        "the same, joints looked for, too (ms)": round(median(joints), 1),
        "the same, joints looked for twice (ms)": round(median(twice), 1),
        "the same, joints looked for elsewhere, too (ms)": round(median(elsewhere), 1),
        "256 of them, two threads (images/s)": round(median(many)),
        "fastest and slowest pass (images/s)": [round(many[0]), round(many[-1])],
        "Recognizer.load() after import torch, and import asl (s)": round(
            median(map(float, runs)), 2
        ),
        "weights (MB)": round(SHIPPED_WEIGHTS.stat().st_size / 1e6, 2),
    }


def by_megapixels(recognizer: asl.Recognizer, picture: Path, passes: int) -> dict[str, float]:
    """Returns the milliseconds for one JPEG of each size, one thread; the sizes take turns.

    A photograph is enlarged and gets the noise of a camera, without which it would decode too fast.
    """
    noise = np.random.default_rng(0)
    found: dict[float, list[float]] = {size: [] for size in MEGAPIXELS}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Image.open(picture) as opened:
        paths = {}
        for size in MEGAPIXELS:
            height = round((size * 1e6 * 3 / 4) ** 0.5)
            pixels = np.asarray(opened.convert("RGB").resize((height * 4 // 3, height)), np.float32)
            pixels = pixels + noise.normal(0, 4, pixels.shape)
            paths[size] = Path(folder) / f"{size}.jpeg"
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(paths[size], quality=90)
            recognizer(paths[size])  # what is done once
        for _ in range(passes):
            for size, path in paths.items():
                start = timer()
                recognizer(path)
                found[size].append(1000 * (timer() - start))
    torch.set_num_threads(threads)
    return {f"{size:g}": median(times) for size, times in found.items()}


def folder_read(recognizer: asl.Recognizer, signs: dict[Path, str]) -> dict[str, float]:
    """Returns the seconds to answer all pictures of a folder, and the accuracy, 33 shapes."""
    paths, answers = list(signs), []
    start = timer()
    for at in range(0, len(paths), _TOGETHER):
        answers.append(recognizer.raw_answers(paths[at : at + _TOGETHER])[0])
    seconds = timer() - start
    labels = torch.tensor([asl.SIGNS.index(sign) for sign in signs.values()])
    right = accuracy(*merge_look_alikes(torch.cat(answers), labels))
    return {"all images recognised": seconds, "33 shapes": 100 * right}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--passes", type=int, default=15, help="(default: %(default)s)")
    parser.add_argument("--folder-only", action="store_true", help="only the folder as a whole")
    options = parser.parse_args(arguments)
    before = peak_memory()
    recognizer = asl.Recognizer.load()
    signs = {Path(file): sign for file, sign in images_by_sign(options.data, None)[0].items()}
    found: dict = folder_read(recognizer, signs) | {"memory": peak_memory() - before}
    if not options.folder_only:
        files = [str(path) for path in signs][:: max(1, len(signs) // 280)]
        found["speed"] = speed(recognizer, files, options.passes)
        found["ms by megapixels"] = by_megapixels(recognizer, Path(files[0]), options.passes)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
