"""Asks an exported recogniser and the one it was made from about pictures of all sizes.

    python benchmarks/exported.py --pictures asl_dataset ../shared/photos \\
        --output results/exported.json

The pictures are resized to sides from 1 to 1,024 pixels, in any proportion. Needs the extra "onnx".
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

import torch

import asl
from asl.decoding import IMAGE_SUFFIXES, open_rgb
from asl.files import write_text
from asl.recognizer.crops import to_pixels
from asl.recognizer.export import FORMATS, export_recognizer, read_exported
from asl.recognizer.graph import Answer

LONGEST = 1024  # pixels: a larger picture is shrunk by `asl.Recognizer` before the graph


def pictures_of(folders: list[Path], count: int) -> list[torch.Tensor]:
    """Returns pictures drawn from folders and resized, uint8 (H, W, 3)."""
    drawn = random.Random(0)
    files = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    pictures = []
    for path in drawn.sample(files, count):
        width, height = (round(LONGEST ** drawn.random() ** 0.5) for _ in range(2))
        pictures.append(to_pixels(open_rgb(path).resize((width, height))))
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=500, help="(default: %(default)s)")
    parser.add_argument("--weights", help="a recogniser (default: the one that ships)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    recognizer = asl.Recognizer.load(options.weights)
    pictures = pictures_of(options.pictures, options.count)
    expected = [recognizer(picture.permute(2, 0, 1), top=1)[0] for picture in pictures]
    found = {}
    for format in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            path = export_recognizer(recognizer, folder, format=format)
            exported, size = read_exported(path), path.stat().st_size
            same, most = 0, 0.0
            for picture, (sign, probability) in zip(pictures, expected, strict=True):
                answer = Answer(*exported(picture))
                best, index = answer.confidence.max(dim=0)
                unsure = best.item() < recognizer.threshold
                same += sign == (None if unsure else asl.ANSWERS[index])
                most = max(most, abs((1 - best.item() if unsure else best.item()) - probability))
        found[format] = {
            "pictures": len(pictures),
            "same answers": same,
            "largest difference of confidence": round(most, 6),
            "file (MB)": round(size / 1e6, 2),
        }
        print(format, found[format], flush=True)
    command = f"python benchmarks/exported.py --pictures {' '.join(map(str, options.pictures))}"
    setting = {
        "command": f"{command} --output {options.output.as_posix()}",
        "torch": torch.__version__,
    }
    write_text(options.output, json.dumps({"setting": setting} | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
