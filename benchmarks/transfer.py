"""Measures which ingredient of the rendered hands carries over to real photographs.

    python benchmarks/transfer.py --output results/transfer.json

The same people are rendered once with everything that varies (`asl.rendering.signers.VARIATIONS`),
once without each ingredient, and once with none of them. Each set trains a small CNN, for the same
number of steps, and fills a lookup of the nearest render. Both are tested on all real images, with
look-alikes merged. An ingredient is worth the accuracy that is lost without it. The folders stay in
`--work` and are not rendered again.
"""

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

import asl
from asl.files import write_text
from asl.rendering.dataset import MANIFEST, DatasetOptions, synthesize
from asl.rendering.signers import VARIATIONS
from asl.signs import IMAGE_SIZE


def settings() -> dict[str, tuple[str, ...]]:
    """Returns the name of each set → what varies in it."""
    without = {f"without {name}": tuple({*VARIATIONS} - {name}) for name in VARIATIONS}
    return {"all": VARIATIONS, **without, "none": ()}


def on_real(model: torch.nn.Module, real: asl.ASLDataset) -> dict[str, float]:
    """Returns the accuracy over 33 shapes on all real images, and that of the worst signer."""
    log_probs, labels = asl.merge_look_alikes(*asl.predict_log_probs(model, real))
    by_signer = asl.group_accuracy(log_probs, labels, real.signers)
    return {
        "accuracy": asl.accuracy(log_probs, labels),
        "worst signer": min(rate for rate, _ in by_signer.values()),
    }


def measure(rendered: asl.ASLDataset, real: asl.ASLDataset, seeds: int, steps: int) -> dict:
    """Returns the accuracy that one set of renders teaches: the lookup's and the CNN's.

    The CNN's is a mean over seeds, with their standard deviation if there are several.
    """
    epochs = max(1, round(steps * 64 / len(rendered)))
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = asl.ASLNet()
        asl.train_model(model, rendered, None, epochs, batch_size=64, seed=seed, progress=False)
        runs.append(on_real(model, real))
    found: dict[str, Any] = {
        "images": len(rendered),
        "1-nearest-neighbour": on_real(asl.NearestNeighbour().fit(rendered), real),
        "CNN": {key: mean(run[key] for run in runs) for key in runs[0]},
        "CNN, epochs": epochs,
    }
    if seeds > 1:
        found["CNN"]["sd over seeds"] = stdev(run["accuracy"] for run in runs)
    return found


def rounded(value: Any) -> Any:
    """Returns a value, or a dict of values at any depth, with floats rounded to four places."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="real images (default: as asl.find_dataset finds them)")
    for name, kind, default, text in (
        ("work", Path, Path("build/transfer"), "where the rendered folders are kept"),
        ("signers", int, 20, "rendered people in each set"),
        ("size", int, 64, "side of the pictures in pixels"),
        ("seeds", int, 2, "CNNs trained on each set"),
        ("steps", int, 600, "training steps of each CNN"),
    ):
        shown = f"{text} (default: %(default)s)"
        parser.add_argument(f"--{name}", type=kind, default=default, help=shown)
    parser.add_argument("--workers", type=int, help="processes that render (default: all cores)")
    parser.add_argument(
        "--only", nargs="+", choices=list(settings()), help="sets to measure (default: all)"
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args()
    real = asl.ASLDataset(asl.find_dataset(options.data))
    started = time.perf_counter()
    sets = {}
    for name in options.only or settings():
        folder = options.work / name.replace(" ", "-")
        wanted = {"signers": options.signers, "seed": 7, "size": options.size, "frames": 1}
        if not (folder / MANIFEST).exists() or not (
            wanted.items() <= json.loads((folder / MANIFEST).read_text())["options"].items()
        ):
            drawn = DatasetOptions(**wanted, vary=settings()[name])
            synthesize(folder, drawn, workers=options.workers, force=True)
        sets[name] = measure(asl.ASLDataset(folder), real, options.seeds, options.steps)
        print(name, rounded(sets[name]), flush=True)
    result = {
        "setting": {
            "command": f"python benchmarks/transfer.py {shlex.join(sys.argv[1:])}",
            "signers": options.signers,
            "lights": len(DatasetOptions().lights),
            "frames": 1,
            "size": options.size,
            "image_size": IMAGE_SIZE,
            "images": len(real),
            "seeds": options.seeds,
            "steps": options.steps,
            "torch": torch.__version__,
            "minutes": round((time.perf_counter() - started) / 60, 1),
        },
        "chance": round(1 / len(asl.SHAPES), 4),
        "sets": rounded(sets),
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
