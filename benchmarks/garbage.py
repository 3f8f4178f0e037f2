"""Counts how many pictures of nothing get a letter: noise, gradients, text, shuffled hands.

    python benchmarks/garbage.py --output results/garbage.json

The shuffled hands are photographs of the dataset, cut into squares that change places. They have
the colours and edges of hands, and no hand.
"""

import argparse
import json
import os
import platform
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import asl
from asl.decoding import open_rgb
from asl.files import write_text

SIDE = 320
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "0123456789", "hands"]


def noise(rng: np.random.Generator) -> Image.Image:
    """Coloured or grey noise, fine or coarse."""
    coarse = SIDE // int(rng.choice([1, 2, 4, 8, 16, 32]))
    pixels = rng.normal(rng.uniform(60, 190), rng.uniform(20, 90), (coarse, coarse, 3))
    if rng.random() < 0.3:
        pixels[:] = pixels[..., :1]
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return image.resize((SIDE, SIDE), Image.Resampling(int(rng.choice([0, 2]))))


def gradient(rng: np.random.Generator) -> Image.Image:
    """One colour that turns into another, along a line or from a point."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        share = x * np.cos(angle) + y * np.sin(angle)
    else:
        share = np.hypot(x - rng.random(), y - rng.random())
    share = ((share - share.min()) / np.ptp(share))[..., None]
    first, second = rng.uniform(0, 255, (2, 3))
    return Image.fromarray((first * (1 - share) + second * share).astype(np.uint8))


def text(rng: np.random.Generator) -> Image.Image:
    """Lines of words in any size and colours."""
    back, front = (tuple(int(v) for v in colour) for colour in rng.integers(0, 256, (2, 3)))
    image = Image.new("RGB", (SIDE, SIDE), back)
    size = int(rng.integers(10, 60))
    font = ImageFont.load_default(size)
    for top in range(0, SIDE, round(1.2 * size)):
        line = " ".join(rng.choice(WORDS, 12))
        ImageDraw.Draw(image).text((int(rng.integers(-30, 30)), top), line, front, font)
    return image


def shuffled(rng: np.random.Generator, files: list[str]) -> Image.Image:
    """A photograph of a hand whose squares have changed places."""
    count = int(rng.integers(3, 7))
    side = SIDE // count
    image = open_rgb(str(rng.choice(files))).resize((count * side, count * side))
    places = [(x * side, y * side) for x in range(count) for y in range(count)]
    mixed = Image.new("RGB", image.size)
    for (left, top), place in zip(places, rng.permutation(places), strict=True):
        tile = image.crop((left, top, left + side, top + side))
        mixed.paste(tile, (int(place[0]), int(place[1])))
    return mixed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="dataset folder (default: as asl.find_dataset)")
    parser.add_argument("--weights", help="a recogniser (default: the one that ships)")
    parser.add_argument("--count", type=int, default=250, help="of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    files = asl.ASLDataset(asl.find_dataset(options.data)).image_files
    recognizer = asl.Recognizer.load(options.weights)
    kinds = {
        "noise": noise,
        "gradients": gradient,
        "text": text,
        "shuffled hands": lambda rng: shuffled(rng, files),
    }
    answered = {}
    for number, (kind, draw) in enumerate(kinds.items()):
        rng = np.random.default_rng([options.seed, number])
        answers = recognizer([draw(rng) for _ in range(options.count)], top=1)
        answered[kind] = sum(ranked[0][0] is not None for ranked in answers)
        print(f"{kind:<15} {answered[kind]:>4} of {options.count} get a letter", flush=True)
    result = {
        "setting": {
            "command": f"python benchmarks/garbage.py --output {options.output.as_posix()}",
            "of each kind": options.count,
            "seed": options.seed,
            "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}",
            "torch": torch.__version__,
        },
        "answered with a letter": answered,
        "share": round(sum(answered.values()) / (options.count * len(kinds)), 4),
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
