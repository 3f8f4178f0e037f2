"""What it costs that nothing is lost and nothing let in: checkpoints, and checks when loading.

    python benchmarks/overhead.py --output results/overhead.json

- *Checkpoints*: the CNN is trained for ten epochs, and a checkpoint is written after every second
  one. An epoch that begins with writing is compared with its neighbours that do not: a machine
  changes its pace within minutes, so two whole trainings differ by more than what is looked for.
- *Checks*: the recogniser that ships is loaded as `asl.Recognizer.load` does it, and in turn read
  by safetensors into the same networks without any check.

Everything runs in one process. Times are of the clock; those of the processor, which other programs
disturb less, stand beside them.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from unittest.mock import patch

import torch
from safetensors.torch import load_file

import asl
from asl.checkpoints import write_checkpoint
from asl.files import write_text
from asl.recognizer.recognizer import SHIPPED_WEIGHTS

EPOCHS = 10
LOADED, READ = "Recognizer.load()", "read without checks"


def in_turn(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[tuple]]:
    """Returns (seconds of the clock, seconds of the processor) of every case in every round."""
    for work in cases.values():  # once unmeasured, so that nobody pays for what is done once
        work()
    seconds: dict[str, list[tuple]] = {name: [] for name in cases}
    for turn in range(rounds):
        # Forwards and backwards, so that none always comes first.
        for name in list(cases)[:: 1 if turn % 2 == 0 else -1]:
            start = now()
            cases[name]()
            ends = now()
            seconds[name].append((ends[0] - start[0], ends[1] - start[1]))
        print(turn + 1, {name: round(values[-1][0], 4) for name, values in seconds.items()})
    return seconds


def described(seconds: dict[str, list[tuple]], unit: float, digits: int) -> dict[str, list]:
    """Returns [median, least, most] of the clock's times, and the median of the processor's."""
    rows = {}
    for name, values in seconds.items():
        clock = [unit * of for of, _ in values]
        rows[name] = [round(of(clock), digits) for of in (median, min, max)]
        rows[f"{name}, processor"] = [round(unit * median(of for _, of in values), digits)]
    return rows


def now() -> tuple[float, float]:
    """Returns seconds of the clock and of the processor."""
    return time.perf_counter(), time.process_time()


def train(parts: tuple, first_written: int) -> list[tuple[bool, float, float]]:
    """Trains the CNN, and writes a checkpoint after every second epoch.

    Returns:
        Of each epoch but the first whether it began with writing, and its seconds of the clock and
        of the processor, that writing included.
    """
    begun, written, epochs = now(), False, []

    def at_an_end(*of) -> None:
        nonlocal begun, written
        end, epoch = now(), len(epochs) + 1
        epochs.append((written, end[0] - begun[0], end[1] - begun[1]))
        begun, written = end, epoch % 2 == first_written
        if written:
            write_checkpoint(*of)

    with (
        tempfile.TemporaryDirectory() as folder,
        patch("asl.optimization.write_checkpoint", at_an_end),
    ):
        options = {"checkpoint": Path(folder) / "checkpoint", "device": "cpu", "progress": False}
        asl.train_model(asl.ASLNet(), *parts, EPOCHS, seed=0, **options)
    return epochs[1:]


def cost(runs: list[list[tuple]], which: int) -> list[float]:
    """Returns [median, lower, upper quartile] of an epoch with writing to its neighbours."""
    shares = [
        2 * run[i][which] / (run[i - 1][which] + run[i + 1][which])
        for run in runs
        for i in range(1, len(run) - 1)
        if run[i][0]
    ]
    low, middle, high = quantiles(shares, n=4)
    return [round(of, 4) for of in (middle, low, high)]


def checkpoints(rounds: int) -> dict:
    parts = asl.load_asl_data(asl.find_dataset(), progress=False)
    train(parts, 0)  # once unmeasured, so that nobody pays for what is done once
    runs = [train(parts, turn % 2) for turn in range(rounds)]
    rows = {}
    for name, kind in {"with": True, "without": False}.items():
        seconds = [clock for run in runs for written, clock, _ in run if written == kind]
        rows[f"an epoch {name}"] = [round(of(seconds), 3) for of in (median, min, max)]
    return {
        "images": len(parts[0]),
        "seconds": rows,
        "epochs with a checkpoint": sum(written for run in runs for written, *_ in run),
        "ratio, with to without": cost(runs, 1),
        "ratio, with to without, processor": cost(runs, 2),
    }


def checks(rounds: int) -> dict:
    def read() -> None:
        networks = asl.Recognizer.create(joint_reader=True)._networks()
        weights = load_file(SHIPPED_WEIGHTS)
        networks.load_state_dict({name: weights[name] for name in networks.state_dict()})
        networks.eval()

    found = in_turn({LOADED: asl.Recognizer.load, READ: read}, rounds)
    cost = [1000 * (a[0] - b[0]) for a, b in zip(found[LOADED], found[READ], strict=True)]
    return {
        "milliseconds": described(found, 1000, 1),
        "checks (ms)": [round(of(cost), 1) for of in (median, min, max)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=24, help="of trainings (default: 24)")
    parser.add_argument("--loads", type=int, default=41, help="of each kind (default: 41)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    loading = checks(options.loads)
    training = checkpoints(options.rounds)
    result = {
        "setting": {
            "command": f"python benchmarks/overhead.py --output {options.output.as_posix()}",
            "rounds": options.rounds,
            "loads": options.loads,
            "epochs": EPOCHS,
            "hardware": f"{platform.system()}, {os.cpu_count()} CPU cores, {platform.machine()}",
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "load of the machine at the start": load and round(load, 2),
            "numbers in lists": "median, least, most; of ratios median and quartiles",
        },
        "a checkpoint an epoch": training,
        "loading the recogniser": loading,
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
