"""Measures the walk-through's models on the random split ("same signers"), over several seeds.

A seed fixes the split, the initial weights, the order of the images and the dropout. The accuracy
is the last epoch's: nothing is chosen on the test part.

    python benchmarks/same_signers.py [--data DIR] [--seeds 5] --output results/same_signers.json

The output is rewritten after every run, so an interrupted call goes on where it stopped.
"""

import argparse
import contextlib
import io
import json
import os
import platform
from pathlib import Path
from statistics import mean, stdev

import torch

import asl

MODELS = {
    "MLP": asl.create_sequential_model,
    "CNN": asl.ASLNet,
    "CNN, channel attention": lambda: asl.ASLNet(attention="channel"),
}
BASELINE = "1-nearest-neighbour on pixels"


def measure(data: str, seed: int, name: str, epochs: int) -> dict[str, float]:
    with contextlib.redirect_stdout(io.StringIO()):
        train, test = asl.load_asl_data(data, seed=seed, progress=False)
    if name == BASELINE:
        return {"accuracy": 100 * asl.nearest_neighbour_accuracy(train, test), "seconds": 0.0}
    torch.manual_seed(seed)
    model = MODELS[name]()
    metrics = asl.train_model(model, train, test, epochs, seed=seed, progress=False)
    return {
        "accuracy": metrics["test_accuracies"][-1],
        "seconds": sum(metrics["epoch_times"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="dataset folder (default: as asl.find_dataset)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    data = str(asl.find_dataset(arguments.data))

    setting = {
        "command": f"python benchmarks/same_signers.py --seeds {arguments.seeds} "
        f"--epochs {arguments.epochs} --output {arguments.output.as_posix()}",
        "split": "random 80/20, same signers; seeds 0 to n-1 each draw their own split",
        "images": len(asl.ASLDataset(data, progress=False)),
        "image_size": 28,
        "epochs": arguments.epochs,
        "hardware": f"{asl.default_device().type}, {torch.get_num_threads()} threads, "
        f"{platform.machine()}",
        "torch": torch.__version__,
    }
    runs: dict[str, dict[str, dict[str, float]]] = {}
    if arguments.output.exists():
        recorded = json.loads(arguments.output.read_text())
        if recorded["setting"] == setting:
            runs = recorded["runs"]
    for name in [BASELINE, *MODELS]:
        of_model = runs.setdefault(name, {})
        for seed in range(arguments.seeds):
            if str(seed) not in of_model:
                of_model[str(seed)] = measure(data, seed, name, arguments.epochs)
                write(arguments.output, setting, runs)
        print(f"{name:<30} {json.loads(arguments.output.read_text())['summary'][name]}", flush=True)


def write(output: Path, setting: dict, runs: dict) -> None:
    summary = {}
    for name, of_model in runs.items():
        values = [run["accuracy"] for run in of_model.values()]
        summary[name] = {
            "accuracy_mean": round(mean(values), 2),
            "accuracy_sd": round(stdev(values), 2) if len(values) > 1 else None,
            "n_seeds": len(values),
            "seconds_mean": round(mean(run["seconds"] for run in of_model.values()), 2),
        }
    text = json.dumps({"setting": setting, "summary": summary, "runs": runs}, indent=1)
    draft = output.with_suffix(".tmp")
    draft.write_text(text + "\n")
    os.replace(draft, output)  # an interruption leaves the old file or the new one, never half


if __name__ == "__main__":
    main()
