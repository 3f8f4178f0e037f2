"""Measures how many planted label errors the audit ranks first, and compares it with cleanlab.

Two per cent of the labels are moved to a sign of another shape, either single images or whole
bursts. The models are trained on the moved labels. What counts is the share of the planted errors
among the first three per cent ranked.

    pip install cleanlab    # only for this comparison
    python benchmarks/planted_errors.py --seeds 3 --output results/planted_errors.json

Finished folds are kept in build/folds, so an interrupted call goes on where it stopped.
"""

import argparse
import copy
import json
from pathlib import Path
from statistics import mean

import cleanlab
import numpy as np
import torch
from cleanlab.filter import find_label_issues as cleanlab_issues

import asl
from asl.files import write_text
from asl.splits import bursts_of

MOVED, RANKED = 0.02, 0.03
CLEANLAB_FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning")


def plant(dataset: asl.ASLDataset, kind: str, seed: int) -> tuple[asl.ASLDataset, set[int]]:
    """Returns the dataset with labels moved, and the indices of the images moved."""
    rng = np.random.default_rng(seed)
    units = [[i] for i in range(len(dataset))]
    if kind == "bursts":
        bursts = bursts_of(dataset)
        if bursts is None:
            raise ValueError(f"expected file names that tell bursts in '{dataset.data_dir}'")
        of_burst: dict[tuple, list[int]] = {}
        for i, burst in enumerate(bursts):
            of_burst.setdefault(burst, []).append(i)
        units = list(of_burst.values())
    labels = list(dataset.labels)
    moved = [units[i] for i in rng.choice(len(units), round(MOVED * len(units)), replace=False)]
    for unit in moved:
        shape = asl.SHAPE_OF[labels[unit[0]]]
        others = [label for label in range(len(asl.SIGNS)) if asl.SHAPE_OF[label] != shape]
        new = int(rng.choice(others))
        for i in unit:
            labels[i] = new
    wrong = copy.copy(dataset)
    wrong.labels = labels
    return wrong, {i for unit in moved for i in unit}


def found(order: list[int], planted: set[int], images: int) -> float:
    """Returns the share of planted errors among the first images of a ranking."""
    return len(planted & set(order[: round(RANKED * images)])) / len(planted)


def rank(result: asl.CrossValidation, planted: set[int]) -> dict[str, float]:
    """Returns the share of planted errors that each method ranks first."""
    log_probs, labels = asl.merge_look_alikes(result.log_probs[0], result.labels)
    ranked = asl.find_label_issues(labels, log_probs).order.tolist()
    shares = {"self-confidence (ours)": found(ranked, planted, len(labels))}
    probs = log_probs.double().exp().numpy()
    for name in CLEANLAB_FILTERS:
        order = cleanlab_issues(
            labels.numpy(),
            probs / probs.sum(axis=1, keepdims=True),
            filter_by=name,
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
        shares[f"cleanlab, {name}"] = found(order.tolist(), planted, len(labels))
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder of images (default: the one that asl.find_dataset finds)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=3,
        metavar="N",
        help="how many times errors are planted, each time others (default: %(default)s)",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="JSON file to write"
    )
    options = parser.parse_args()
    dataset = asl.ASLDataset(asl.find_dataset(options.data))
    setting = {
        "command": f"python benchmarks/planted_errors.py --seeds {options.seeds} --output "
        f"{options.output.as_posix()}",
        "model": "ASLNet(), 10 epochs, one seed",
        "images": len(dataset),
        "moved": MOVED,
        "ranked": RANKED,
        "cleanlab": cleanlab.__version__,
        "torch": torch.__version__,
    }
    table: dict[str, dict[str, dict]] = {}
    for kind in ("images", "bursts"):
        for protocol in ("random", "burst"):
            runs = []
            for seed in range(options.seeds):
                wrong, planted = plant(dataset, kind, seed)
                result = asl.cross_validate(
                    asl.ASLNet, wrong, protocol=protocol, epochs=10, resume_dir="build/folds"
                )
                runs.append(rank(result, planted))
            table[f"{kind} moved, {protocol} folds"] = {
                method: {
                    "mean": round(mean(run[method] for run in runs), 4),
                    "runs": [round(run[method], 4) for run in runs],
                }
                for method in runs[0]
            }
            for method, row in table[f"{kind} moved, {protocol} folds"].items():
                print(f"{kind:<7} {protocol:<7} {method:<30} {row}", flush=True)
    lines = [f"  {json.dumps(name)}: {json.dumps(rows)}" for name, rows in table.items()]
    found_text = "{\n" + ",\n".join(lines) + "\n }"
    write_text(
        options.output,
        f'{{\n "setting": {json.dumps(setting)},\n "share_found": {found_text}\n}}\n',
    )


if __name__ == "__main__":
    main()
