"""Measures what it saves to keep decoded images, and in how much memory a large folder is used.

    python benchmarks/larger.py build/larger/87000 --images 87000
    python benchmarks/cache.py build/larger/87000 --output results/cache.json

Each round decodes the files and nothing else, as `benchmarks/limits.py` does, loads the folder for
the first time, and loads it again, each in a process of its own. Importing is not timed. Then a
linear model is trained for an epoch: nearly all of its time goes into fetching images in random
order. That is done once more in a control group of Linux that may have no more memory than torch
takes and `--memory` beside it, after the file of decoded images was dropped from the system's
memory. Making a group takes the rights of root, so without them the last part is left out.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import torch
from limits import seconds_for
from PIL import Image
from torch import nn

from asl.data import ASLDataset
from asl.decoded.room import entries
from asl.decoding import decoding_threads
from asl.files import write_text
from asl.folders import images_by_sign
from asl.training import train_model

_GROUPS = Path("/sys/fs/cgroup")


# --- in a process of its own ----------------------------------------------------------------------


def decode(file: str, side: int) -> None:
    with Image.open(file) as image:
        image.draft("RGB", (side, side))
        image.load()


def limit(folder: Path, side: int) -> dict[str, float]:
    files = list(images_by_sign(folder, None)[0])
    return {"seconds": seconds_for(partial(decode, side=side), files)}


def load(folder: Path, side: int) -> dict[str, float]:
    with most_private() as most:
        start = timer()
        dataset = ASLDataset(folder, image_size=side, progress=False)
        seconds = timer() - start
    return {"seconds": seconds, "images": len(dataset), "MB": most[0]}


def train(folder: Path, side: int) -> dict[str, float]:
    with most_private() as most:
        start = timer()
        dataset = ASLDataset(folder, image_size=side, progress=False)
        loaded = timer() - start
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * side**2, 36), nn.LogSoftmax(1))
        metrics = train_model(model, dataset, None, 1, progress=False, device="cpu", seed=0)
    (seconds,) = metrics["epoch_times"]
    return {"load": loaded, "epoch": seconds, "images a second": len(dataset) / seconds} | {
        "MB": most[0],
        "loss": metrics["train_losses"][0],
    }


PARTS = {"limit": limit, "load": load, "train": train}


def private() -> float:
    """Returns how much memory of its own this process has, in MB: all but what files fill."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024 / 1e6


@contextlib.contextmanager
def most_private() -> Iterator[list[float]]:
    """Yields a list of one number, which is then the most memory that was added in a block."""
    before, most, done = private(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], private() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()
        most[0] = max(most[0], private() - before)


# --- all of it ------------------------------------------------------------------------------------


def run(part: str, folder: Path, side: int, cache: str, group: Path | None = None) -> dict:
    """Runs a part in a process, with a cache directory and perhaps in a control group."""
    command = [sys.executable, "-W", "ignore", __file__, str(folder), "--image-size", str(side)]
    if group is not None:
        enter = f'echo $$ > {group / "cgroup.procs"} && exec "$@"'
        command = ["sh", "-c", enter, "sh", *command]
    environment = os.environ | {"ASL_CACHE_DIR": cache, "ASL_CACHE_GB": "100"}
    done = subprocess.run(
        [*command, "--part", part], env=environment, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def control_group(megabytes: float) -> Iterator[Path | None]:
    """Yields a control group of bounded memory, or None where none can be made."""
    old = (_GROUPS / "memory").is_dir()
    group = _GROUPS / ("memory" if old else "") / f"asl-benchmark-{os.getpid()}"
    try:
        group.mkdir()
        bound = group / ("memory.limit_in_bytes" if old else "memory.max")
        bound.write_text(str(int(megabytes * 1e6)))
    except OSError as error:
        print(f"no control group of bounded memory: {error}", file=sys.stderr)
        yield None
        return
    try:
        yield group
    finally:
        group.rmdir()


def drop_from_memory(path: Path) -> None:
    """Lets the system forget what it holds of a file, so that the next reader asks the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def measure(folder: Path, side: int, rounds: int, memory: float, work: Path) -> dict:
    loads: dict[str, list[dict]] = {"limit": [], "first load": [], "second load": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=work) as cache:
            for name, of in loads.items():
                of.append(run("limit" if name == "limit" else "load", folder, side, cache))
                print(f"{name}: {of[-1]}", flush=True)
    result: dict = {}
    if rounds:
        seconds = {name: [part["seconds"] for part in of] for name, of in loads.items()}
        pairs = zip(seconds["first load"], seconds["limit"], strict=True)
        result |= {name: round(median(of), 3) for name, of in seconds.items()}
        result["first load / limit"] = [round(first / least, 2) for first, least in pairs]
    with tempfile.TemporaryDirectory(dir=work) as cache:
        os.environ["ASL_CACHE_DIR"] = cache
        first = run("load", folder, side, cache)
        result["images"], result["first load, MB"] = first["images"], round(first["MB"])
        result["training"] = run("train", folder, side, cache)
        (kept,) = entries()
        result["kept, MB"] = round(kept.size / 1e6)
        bound = private() + memory
        with control_group(bound) as group:
            if group is not None:
                drop_from_memory(kept.path)
                bounded = run("train", folder, side, cache, group)
                result["training in bounded memory"] = {"bound, MB": round(bound)} | bounded
    if not rounds:  # on a machine that others use, too, times say nothing
        for name in ("training", "training in bounded memory"):
            for time in ("load", "epoch", "images a second"):
                result.get(name, {}).pop(time, None)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of images")
    parser.add_argument("--image-size", type=int, default=64, help="(default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="0 measures memory only (default: %(default)s)"
    )
    parser.add_argument("--memory", type=float, default=500, help="MB (default: %(default)s)")
    parser.add_argument(
        "--work", type=Path, default="build", help="where images are kept (default: %(default)s)"
    )
    parser.add_argument("--part", choices=PARTS, help="one part once, in this process")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures here")
    options = parser.parse_args(arguments)
    if options.part:
        print(json.dumps(PARTS[options.part](options.folder, options.image_size)))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    measured = (options.folder, options.image_size, options.rounds, options.memory, options.work)
    result = measure(*measured)
    setting = {
        "command": f"python benchmarks/cache.py {options.folder} --rounds {options.rounds} "
        f"--memory {options.memory:g} --output {options.output}",
        "image_size": options.image_size,
        "rounds": options.rounds,
        "hardware": f"{decoding_threads()} CPU cores, {platform.machine()}",
        "torch": torch.__version__,
    }
    print(json.dumps(result, indent=1))
    if options.output is not None:
        write_text(options.output, json.dumps({"setting": setting} | result, indent=1) + "\n")


if __name__ == "__main__":
    main()
