"""What it costs that nothing is lost and nothing let in: checkpoints, and checks when loading.

    python benchmarks/overhead.py --output results/overhead.json

- *Checkpoints*: the CNN is trained for ten epochs without a checkpoint, with one after every epoch,
  and without one again, in turn. The two runs without tell how much chance moves a ratio.
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
from statistics import median

import torch
from safetensors.torch import load_file

import asl
from asl.files import write_text
from asl.recognizer.recognizer import SHIPPED_WEIGHTS

EPOCHS = 10
WITHOUT, WITH, AGAIN = "without", "with a checkpoint an epoch", "without, again"
LOADED, READ = "Recognizer.load()", "read without checks"


def in_turn(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[tuple]]:
    """Returns (seconds of the clock, seconds of the processor) of every case in every round."""
    for work in cases.values():  # once unmeasured, so that nobody pays for what is done once
        work()
    seconds: dict[str, list[tuple]] = {name: [] for name in cases}
    for turn in range(rounds):
        # Forwards and backwards, so that none always comes first.
        for name in list(cases)[:: 1 if turn % 2 == 0 else -1]:
            start = time.perf_counter(), time.process_time()
            cases[name]()
            ends = time.perf_counter(), time.process_time()
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


def ratios(ours: list[tuple], base: list[tuple], which: int) -> list[float]:
    """Returns [median, least, most] of the ratios of neighbours."""
    pairs = [a[which] / b[which] for a, b in zip(ours, base, strict=True)]
    return [round(of(pairs), 4) for of in (median, min, max)]


def checkpoints(rounds: int) -> dict:
    parts = asl.load_asl_data(asl.find_dataset(), progress=False)

    def train(checkpoint: Path | None) -> None:
        torch.manual_seed(0)
        options = {"checkpoint": checkpoint, "seed": 0, "device": "cpu", "progress": False}
        asl.train_model(asl.ASLNet(), *parts, EPOCHS, **options)

    def train_with() -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(Path(folder) / "checkpoint")

    cases = {WITHOUT: lambda: train(None), WITH: train_with, AGAIN: lambda: train(None)}
    found = in_turn(cases, rounds)
    return {
        "images": len(parts[0]),
        "seconds": described(found, 1, 2),
        "ratio, with to without": ratios(found[WITH], found[WITHOUT], 0),
        "ratio, with to without, processor": ratios(found[WITH], found[WITHOUT], 1),
        "ratio of two equal runs": ratios(found[AGAIN], found[WITHOUT], 0),
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
    parser.add_argument("--rounds", type=int, default=7, help="of trainings (default: 7)")
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
            "numbers in lists": "median, least, most",
        },
        "a checkpoint an epoch": training,
        "loading the recogniser": loading,
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
