"""Measures the recogniser: people and cameras it has not seen, left hands, skin, no hand, speed.

    python benchmarks/recognizer.py --unseen build/recognizers/without-*.safetensors \\
        --photos ../shared/photos --output results/recognizer.json

Each signer's images are read, from their files, by the recogniser that was trained without that
signer (`--unseen`). Without that option, the output file keeps those figures. Everything else is
read by the weights that ship with the project. The photos serve this report only.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import numpy as np
import torch
from PIL import Image, ImageOps

import asl
from asl.augmentation.backgrounds import load_photographs
from asl.augmentation.hands import hand_mask
from asl.augmentation.skin_tones import recolour
from asl.decoding import open_rgb
from asl.devices import fast_in_bfloat16
from asl.files import write_text
from asl.folders import images_in
from asl.recognizer.calibrate import answer_unseen, pictures_without_hands
from asl.recognizer.recognizer import SHIPPED_WEIGHTS
from asl.signs import MONK_TONES


def unseen_people(unseen: list[asl.Recognizer], real: asl.ASLDataset) -> dict:
    """Returns the scores of recognisers for the signers they have not seen, and their drops."""
    answers = answer_unseen(unseen, real)
    scores = answers.scores(real)
    shapes = scores["shapes_33"]

    def drop(change) -> float:
        changed = accuracy_on(unseen, real, change)
        return round(shapes["accuracy"]["mean"] - changed, 4)

    tones = [drop(lambda image, tone=tone: in_tone(image, tone)) for tone in MONK_TONES]
    return {
        name: {key: scores[name][key] for key in ("accuracy", "worst_signer", "per_signer", "ece")}
        for name in ("labels_36", "shapes_33")
    } | {
        "confusions": scores["confusions"],
        "drop, mirrored (left hands)": drop(ImageOps.mirror),
        "drop, by tone of the Monk scale": tones,
    }


def accuracy_on(unseen: list[asl.Recognizer], real: asl.ASLDataset, change) -> float:
    """Returns the accuracy, 33 shapes, on changed images of unseen signers."""
    right = []
    for recognizer in unseen:
        theirs = [i for i, s in enumerate(real.signers) if s in recognizer.facts["left_out"]]
        for start in range(0, len(theirs), 256):
            some = theirs[start : start + 256]
            pictures = [change(open_rgb(real.image_files[i], size=192)) for i in some]
            labels = torch.tensor([real.labels[i] for i in some])
            shapes, actual = asl.merge_look_alikes(recognizer.raw_answers(pictures)[0], labels)
            right.append(shapes.argmax(dim=1) == actual)
    return torch.cat(right).double().mean().item()


def in_tone(image: Image.Image, tone: tuple[int, int, int]) -> torch.Tensor:
    """Returns a hand on black in another skin, uint8 (3, H, W)."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
    # As dark as the hand was, relative to a light one: a photograph is darker than a chart.
    colour = 0.8 * torch.tensor(tone).view(1, 3, 1, 1) / 255
    return (255 * recolour(pixels, hand_mask(pixels), colour)[0]).round().byte()


def on_photos(recognizer: asl.Recognizer, folder: Path) -> dict:
    """Returns counts for a folder of photos laid out like the dataset."""
    paths = [path for sign in asl.SIGNS for path in images_in(folder / sign)]
    labels = torch.tensor([asl.SIGNS.index(path.parent.name) for path in paths])
    sights = recognizer.look(paths, top=1)
    log_probs = torch.stack([sight.log_probs for sight in sights])
    answered = torch.tensor([sight.answers[0][0] is not None for sight in sights])
    shapes, actual = asl.merge_look_alikes(log_probs, labels)
    right = shapes.argmax(dim=1) == actual
    confidence = torch.tensor([sight.answers[0][1] for sight in sights if sight.answers[0][0]])
    return {
        "photos": len(paths),
        "within their signs": round(asl.accuracy_within(log_probs, labels), 4),
        "33 shapes": round(right.double().mean().item(), 4),
        "answered": round(answered.double().mean().item(), 4),
        "33 shapes, of those answered": round(right[answered].double().mean().item(), 4),
        "mean confidence of those answered": round(confidence.mean().item(), 4),
    }


def asked_cnn_on_photos(real: asl.ASLDataset, folders: list[Path]) -> dict:
    """Returns how the walk-through's CNN, trained on all real images, reads whole photos."""
    torch.manual_seed(0)
    model = asl.ASLNet()
    asl.train_model(model, real, None, 10, seed=0, progress=False)
    found = {}
    for folder in folders:
        with warnings.catch_warnings():  # a set has letters or digits only
            warnings.simplefilter("ignore", UserWarning)
            photos = asl.ASLDataset(folder, progress=False)
        found[folder.name] = round(asl.accuracy_within(*asl.predict_log_probs(model, photos)), 4)
    return found


def without_hands(recognizer: asl.Recognizer) -> float:
    """Returns the share of pictures without hands, new to everyone, that get no answer."""
    pictures = pictures_without_hands(load_photographs("test"), count=1000, seed=1)
    answers = recognizer(pictures, top=1)
    return sum(ranked[0][0] is None for ranked in answers) / len(answers)


def speed(recognizer: asl.Recognizer, files: list[str]) -> dict:
    """Returns times: medians of 15 passes after a warm-up, and the fastest and the slowest."""

    def times(action, repeats: int = 15) -> list[float]:
        found = []
        for _ in range(repeats + 1):
            start = timer()
            action()
            found.append(timer() - start)
        return sorted(found[1:])

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one = [1000 * t / 50 for t in times(lambda: [recognizer(file) for file in files[:50]])]
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
        "256 of them, two threads (images/s)": round(median(many)),
        "fastest and slowest pass (images/s)": [round(many[0]), round(many[-1])],
        "Recognizer.load() after import torch, and import asl (s)": round(
            median(map(float, runs)), 2
        ),
        "weights (MB)": round(SHIPPED_WEIGHTS.stat().st_size / 1e6, 2),
    }


def hardware() -> str:
    """Returns what decides how fast a recogniser is, and how it rounds."""
    precision = "bfloat16" if fast_in_bfloat16(torch.device("cpu")) else "float32"
    return f"{os.cpu_count()} CPU cores, {platform.machine()}, reading in {precision}"


def recorded_people(output: Path, shipped: asl.Recognizer) -> dict:
    """Returns the figures of unseen signers that a file has of the same weights."""
    recorded = json.loads(output.read_text()) if output.exists() else {}
    if recorded.get("shipped") != shipped.facts:
        raise SystemExit(f"expected --unseen: '{output}' has no figures of the weights that ship")
    return {key: recorded[key] for key in ("unseen signers", "unseen signers, machine")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unseen", nargs="+", help="one for each signer (default: as recorded)")
    parser.add_argument("--data", help="real images (default: as asl.find_dataset)")
    parser.add_argument("--photos", type=Path, help="folder of sets of photos, to report only")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    real = asl.ASLDataset(asl.find_dataset(options.data), corrected=True)
    shipped = asl.Recognizer.load()
    machine = {"torch": torch.__version__, "hardware": hardware()}
    if options.unseen:
        unseen = unseen_people([asl.Recognizer.load(path) for path in options.unseen], real)
        people = {"unseen signers": unseen, "unseen signers, machine": machine}
    else:
        people = recorded_people(options.output, shipped)
    sets = sorted(p for p in options.photos.iterdir() if p.is_dir()) if options.photos else []
    result = {
        "setting": {
            "command": "python benchmarks/recognizer.py --unseen build/recognizers/without-*."
            f"safetensors --photos {options.photos} --output {options.output.as_posix()}",
            "labels": "corrected (asl.signs.CORRECTIONS)",
            "images": len(real),
            **machine,
        },
        "shipped": shipped.facts,
        **people,
        "photos from other cameras": {path.name: on_photos(shipped, path) for path in sets},
        "the walk-through's CNN on them, within their signs": asked_cnn_on_photos(real, sets),
        "pictures without hands turned away": round(without_hands(shipped), 4),
        "speed": speed(shipped, real.image_files[::9]),
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
