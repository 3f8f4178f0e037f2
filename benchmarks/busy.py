"""Times training beside programs that never sleep, for several settings of OpenMP.

    python benchmarks/busy.py --output results/busy.json

torch computes with OpenMP, whose threads spin while they wait for each other. On an idle machine
that saves a little time. On a busy one a spinning thread keeps the core from the thread that it
waits for. `GOMP_SPINCOUNT` says how often a thread looks before it sleeps.

Each run is a process of its own and trains both models of the notebook on the same images. The
settings take turns, first with the machine idle, then beside `--busy` processes.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import torch

import asl
from asl.files import write_text

SETTINGS = {
    "as torch comes": {},
    "GOMP_SPINCOUNT=0": {"GOMP_SPINCOUNT": "0"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "GOMP_SPINCOUNT=10000": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
EPOCHS = {"MLP": 5, "CNN": 3}


def train(data: str) -> dict[str, float]:
    """Returns the seconds that each model's training takes."""
    dataset = asl.ASLDataset(data, progress=False)
    some = torch.utils.data.Subset(dataset, range(128))
    seconds = {}
    for name, make in (("MLP", asl.create_sequential_model), ("CNN", asl.ASLNet)):
        options = {"seed": 0, "progress": False, "device": "cpu"}
        asl.train_model(make(), some, None, 1, **options)  # what is only done once
        start = timer()
        asl.train_model(make(), dataset, None, EPOCHS[name], **options)
        seconds[name] = timer() - start
    return seconds


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Runs processes that never sleep."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="dataset folder (default: as asl.find_dataset)")
    parser.add_argument("--busy", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--once", action="store_true", help="train once, print JSON")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures here")
    options = parser.parse_args()
    if options.once:
        print(json.dumps(train(options.data)))
        return
    data = str(asl.find_dataset(options.data))
    command = [sys.executable, __file__, "--data", data, "--once"]
    figures: dict = {}
    for load, count in (("idle", 0), ("busy", options.busy)):
        runs: dict = {setting: {name: [] for name in EPOCHS} for setting in SETTINGS}
        with busy(count):
            for _ in range(options.repeats):
                for setting, environment in SETTINGS.items():
                    clean = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
                    run = subprocess.run(
                        command, env=clean | environment, stdout=subprocess.PIPE, check=True
                    )
                    for name, seconds in json.loads(run.stdout).items():
                        runs[setting][name].append(seconds)
                    last = ", ".join(f"{name} {v[-1]:.1f} s" for name, v in runs[setting].items())
                    print(f"{load}  {setting:<21} {last}", flush=True)
        figures[load] = {
            setting: {name: round(median(values), 2) for name, values in of.items()}
            for setting, of in runs.items()
        }
    if options.output is not None:
        result = {
            "setting": {
                "command": f"python benchmarks/busy.py --output {options.output.as_posix()}",
                "epochs": EPOCHS,
                "busy processes": options.busy,
                "repeats": options.repeats,
                "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}",
                "torch": torch.__version__,
            },
            "median seconds": figures,
        }
        write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
