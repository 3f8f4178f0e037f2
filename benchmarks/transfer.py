"""Measures which ingredient of the rendered hands carries over to real photographs.

    python benchmarks/transfer.py --output results/transfer.json

The same people are rendered once with all that varies, then with one thing after another left out
(see `signers.VARIATIONS`), and once with none of it. Each set trains a small CNN, for the same
number of steps, and fills a lookup; both are tested on all real images, look-alikes merged. What an
ingredient is worth is how far accuracy falls without it. The folders are kept in `--work` and not
rendered again.
"""

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from statistics import mean, stdev

import torch

import asl
from asl.data import IMAGE_SIZE
from asl.files import write_text
from asl.rendering.dataset import MANIFEST, DatasetOptions, synthesize
from asl.rendering.signers import VARIATIONS


def settings() -> dict[str, tuple[str, ...]]:
    """Returns name of a set → what varies in it."""
    without = {f"without {name}": tuple({*VARIATIONS} - {name}) for name in VARIATIONS}
    return {"all": VARIATIONS, **without, "none": ()}


def on_real(model, real: asl.ASLDataset) -> dict[str, float]:
    """Returns the accuracy over 33 shapes on all real images, and that of the worst signer."""
    log_probs, labels = asl.merge_look_alikes(*asl.predict_log_probs(model, real))
    by_signer = asl.group_accuracy(log_probs, labels, real.signers)
    return {
        "accuracy": asl.accuracy(log_probs, labels),
        "worst signer": min(rate for rate, _ in by_signer.values()),
    }


def measure(rendered: asl.ASLDataset, real: asl.ASLDataset, seeds: int, steps: int) -> dict:
    """Returns what one set of renders teaches: lookup, and CNN as mean and sd over seeds."""
    epochs = max(1, round(steps * 64 / len(rendered)))
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = asl.ASLNet()
        asl.train_model(model, rendered, None, epochs, batch_size=64, seed=seed, progress=False)
        runs.append(on_real(model, real))
    found = {
        "images": len(rendered),
        "1-nearest-neighbour": on_real(asl.NearestNeighbour().fit(rendered), real),
        "CNN": {key: mean(run[key] for run in runs) for key in runs[0]},
        "CNN, epochs": epochs,
    }
    if seeds > 1:
        found["CNN"]["sd over seeds"] = stdev(run["accuracy"] for run in runs)
    return found


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="real images (default: as asl.find_dataset)")
    parser.add_argument("--work", type=Path, default=Path("build/transfer"))
    parser.add_argument("--signers", type=int, default=20)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--only", nargs="+", choices=list(settings()), help="sets to measure")
    parser.add_argument("--output", type=Path, required=True)
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
            "lights": 2,
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
