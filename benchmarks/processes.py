"""Two processes against one with the same batches: losses, time, and what a killed one costs.

    python benchmarks/processes.py --output results/processes.json

- *Time*: `asl fit` in two processes of one thread and in one process of two threads, and
  `asl.train_model` with torch's own batch norm in one process of two threads, in turn. An epoch's
  time is the median of all but the first, in which the processes find each other.
- *Losses*: of the same runs. In float32 the order of additions shows, as it does between one thread
  and two. So an epoch is also trained in float64, in which it does not.
- *Killed*: one of two processes gets SIGKILL in the middle of an epoch. Counted are the seconds
  until the other one says so and until all has ended; then the same command goes on.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch.utils.data import Subset, TensorDataset

import asl
from asl.decoding import normalize
from asl.files import write_text
from asl.processes.group import ALONE
from asl.processes.joining import joined

TWO, ONE, PLAIN = "2 processes of 1 thread", "1 process of 2 threads", "the same, train_model"
SINGLE = "1 process of 1 thread"
MODELS = {"mlp": asl.create_sequential_model, "cnn": asl.ASLNet}
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def command(case: str, *arguments: object) -> list[str]:
    """Returns the command that trains a model in a case."""
    threads = "2" if case == ONE else "1"
    start = TORCHRUN if case == TWO else (sys.executable,)
    return [*start, "-m", "asl", "fit", "--json", "--threads", threads, *map(str, arguments)]


def run(words: list[str], threads: int) -> dict:
    """Runs a command to its end and returns what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}
    ended = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout)


def worker(model: str, data: str, epochs: int, dtype: str | None) -> None:
    """Trains as `asl fit` does, with torch's own batch norm or in another precision; prints."""
    with joined("cpu") as processes:
        train, test = asl.load_asl_data(data, progress=False)
        torch.manual_seed(0)
        made = MODELS[model]()
        if dtype is not None:
            made = made.to(getattr(torch, dtype))
            whole = train.dataset
            images = normalize(whole.images).to(getattr(torch, dtype))
            same = TensorDataset(images, torch.tensor(whole.labels))
            train, test = (Subset(same, part.indices) for part in (train, test))
        metrics = asl.train_model(
            made, train, test, epochs, seed=0, device="cpu", progress=False,
            processes=ALONE if dtype is None else processes,
        )  # fmt: skip
        if processes.rank == 0:
            write_text(os.environ["RESULT"], json.dumps({"metrics": metrics}))


def largest_difference(first: dict, second: dict, epochs: int | None = None) -> float:
    """Returns by how much the losses of two runs differ at most, in nats."""
    return max(
        abs(a - b)
        for name in ("train_losses", "test_losses")
        for a, b in zip(
            first["metrics"][name][:epochs], second["metrics"][name][:epochs], strict=True
        )
    )


def compare(model: str, data: str, epochs: int, rounds: int) -> dict:
    """Returns times and losses of one model."""
    runs: dict[str, list[dict]] = {TWO: [], ONE: [], PLAIN: []}
    arguments = ("--model", model, "--data", data, "--epochs", epochs)
    for turn in range(rounds):
        for case in list(runs)[:: 1 if turn % 2 == 0 else -1]:
            if case == PLAIN:
                runs[case].append(run_worker(case, arguments))
            else:
                runs[case].append(run(command(case, *arguments), 1 if case == TWO else 2))
            print(model, case, runs[case][-1]["metrics"]["epoch_times"], flush=True)
    seconds = {
        case: [median(each["metrics"]["epoch_times"][1:]) for each in of]
        for case, of in runs.items()
    }
    exact = [
        run_worker(case, ("--model", model, "--data", data, "--epochs", 1, "--dtype", "float64"))
        for case in (TWO, ONE)
    ]
    first = {case: of[0] for case, of in runs.items()}
    first[SINGLE] = run(command(SINGLE, *arguments), 1)
    return {
        "seconds an epoch": {case: round(median(of), 4) for case, of in seconds.items()},
        f"ratio to {ONE}": [
            round(of([a / b for a, b in zip(seconds[TWO], seconds[ONE], strict=True)]), 3)
            for of in (median, min, max)
        ],
        f"ratio to {PLAIN}": [
            round(of([a / b for a, b in zip(seconds[TWO], seconds[PLAIN], strict=True)]), 3)
            for of in (median, min, max)
        ],
        "losses differ by at most": {
            "float64, after 1 epoch": largest_difference(*exact),
            "float32, after 1 epoch": largest_difference(first[TWO], first[ONE], 1),
            f"float32, in {epochs} epochs": largest_difference(first[TWO], first[ONE]),
            f"{SINGLE} to {ONE}, float32, after 1 epoch": largest_difference(
                first[SINGLE], first[ONE], 1
            ),
            f"{SINGLE} to {ONE}, float32, in {epochs} epochs": largest_difference(
                first[SINGLE], first[ONE]
            ),
        },
        "test accuracy": {
            case: round(each["metrics"]["test_accuracies"][-1], 2) for case, each in first.items()
        },
    }


def run_worker(case: str, arguments: tuple) -> dict:
    """Runs this file as a worker in one process or two."""
    start = TORCHRUN if case == TWO else (sys.executable,)
    with tempfile.TemporaryDirectory() as folder:
        result, threads = Path(folder) / "result.json", "1" if case == TWO else "2"
        # `asl` sets the first one by itself, before it imports torch.
        environment = os.environ | {"GOMP_SPINCOUNT": "10000"}
        environment |= {"OMP_NUM_THREADS": threads, "RESULT": str(result)}
        words = [*start, __file__, "--worker", *map(str, arguments)]
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
        return json.loads(result.read_text())


def kill_one(data: str, epochs: int) -> dict:
    """Kills one of two processes, and lets the same command go on."""
    arguments = ("--model", "cnn", "--data", data, "--epochs", epochs)
    whole = run(command(TWO, *arguments), 1)
    with tempfile.TemporaryDirectory() as folder:
        kept, said = Path(folder) / "checkpoint", Path(folder) / "said"
        words = command(TWO, *arguments, "--checkpoint", kept)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
        with open(said, "w") as log:
            started = subprocess.Popen(
                words, env=environment, stdout=subprocess.DEVNULL, stderr=log
            )
            while not kept.exists():
                time.sleep(0.05)
            time.sleep(0.2)  # in the middle of the next epoch
            os.kill(second_process(started.pid), signal.SIGKILL)
            start = time.perf_counter()
            told = None
            while started.poll() is None:
                if told is None and "has ended or does not answer" in said.read_text():
                    told = time.perf_counter() - start
                time.sleep(0.01)
            ended = time.perf_counter() - start
        again = run(words, 1)
    return {
        "seconds until the other says so": told and round(told, 2),
        "seconds until all has ended": round(ended, 2),
        "losses after going on differ by": largest_difference(whole, again),
    }


def second_process(parent: int) -> int:
    """Returns the process with the number 1 among those that torchrun has started (Linux)."""
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in children.read_text().split():
            if b"RANK=1" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                return int(pid)
    raise RuntimeError("expected a process with the number 1, found none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of images (default: asl.find_dataset)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.model, options.data, options.epochs, options.dtype)
        return
    data = options.data or str(asl.find_dataset())
    size = len(asl.ASLDataset(data, progress=False))  # decoded once for all
    result = {
        "command": "python benchmarks/processes.py --output results/processes.json",
        "setting": {
            "images": size,
            "epochs": options.epochs,
            "rounds": options.rounds,
            "batch": 64,
            "torch": torch.__version__,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
        "models": {
            name: compare(name, data, options.epochs, options.rounds) for name in options.models
        },
        "killed": kill_one(data, options.epochs),
    }
    print(json.dumps(result, indent=1))
    if options.output:
        write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
