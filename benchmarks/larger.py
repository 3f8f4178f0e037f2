"""Makes a larger data set of the images of one: each is turned, moved and relit a little.

    python benchmarks/larger.py build/larger/10000 --images 10000

The pictures have the sides and about the bytes of the originals, so each takes as long to decode.
They are made once, and never committed. Accuracies on them say how well changed copies are
recognised, not people.
"""

import argparse
import math
import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

import asl
from asl.decoding import open_rgb
from asl.files import written_whole
from asl.folders import images_by_sign

_QUALITY = 75
_TURN, _SHIFT, _ZOOM, _LIGHT = 12, 0.04, 0.1, 0.25  # degrees; shares of the side and of one


def changed(image: Image.Image, seed: int) -> Image.Image:
    """Returns a picture of the same size that a little has happened to."""
    draw = random.Random(seed)
    width, height = image.size
    middle_x, middle_y = width / 2, height / 2
    scale, turn = 1 + draw.uniform(-_ZOOM, _ZOOM), math.radians(draw.uniform(-_TURN, _TURN))
    cos, sin = math.cos(turn) / scale, math.sin(turn) / scale
    x = middle_x + width * draw.uniform(-_SHIFT, _SHIFT)  # where the middle comes to lie
    y = middle_y + height * draw.uniform(-_SHIFT, _SHIFT)
    back = (cos, sin, middle_x - cos * x - sin * y, -sin, cos, middle_y + sin * x - cos * y)
    moved = image.transform(image.size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    light = 1 + draw.uniform(-_LIGHT, _LIGHT)
    return moved.point(lambda value: min(255, round(light * value)))


def _write(job: tuple[int, Path, Path]) -> None:
    seed, source, path = job
    changed(open_rgb(source), seed).save(path, "JPEG", quality=_QUALITY)


def make(source: Path, folder: Path, count: int) -> None:
    """Writes a folder of `count` images, whole or not at all. What is there already stays."""
    if folder.exists():
        return
    files = sorted(map(Path, images_by_sign(source, None)[0]))
    random.Random(0).shuffle(files)  # so that few images are of all signs, too
    with written_whole(folder) as draft:
        jobs = []
        for number in range(count):
            path = files[number % len(files)]
            name = f"{path.stem}_{number // len(files):03}.jpeg"
            jobs.append((number, path, Path(draft) / path.parent.name / name))
        for place in {path.parent for _, _, path in jobs}:
            place.mkdir(parents=True)
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # Pillow works outside Python's lock
            list(threads.map(_write, jobs))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--data", help="dataset folder (default: as asl.find_dataset)")
    options = parser.parse_args(arguments)
    make(Path(asl.find_dataset(options.data)), options.folder, options.images)


if __name__ == "__main__":
    main()
