"""Times the whole project beside what people use, and beside the limits of the machine.

    make bench
    make bench BENCH="--sizes 2515 --rounds 1"     # what takes a few minutes

The contenders take turns, each in a process of its own: a machine whose speed drifts slows all, and
none finds the libraries warmed up by another. Ratios are those of runs in the same round. Larger
data sets are made once, in `--work`, by `benchmarks/larger.py`; there is one round of one epoch on
them. `benchmarks/bench_page.py` writes the tables and the figure.
"""

import argparse
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import torch
from busy import busy
from contenders import CONTENDERS
from larger import make as make_larger
from limits import DECODE, RATE, READ

import asl
from asl.files import write_text
from asl.folders import class_root, images_by_sign

HERE = Path(__file__).parent
SECOND = "second load"
BESIDE = {  # further runs of ours beside processes that never sleep → settings
    "ours, beside busy processes": {},
    "ours with one thread, beside busy processes": {"OMP_NUM_THREADS": "1"},
}
NEEDS = {"fastai": "fastai.vision.all", "Lightning": "lightning"}  # contender → what it imports
GROWING = ("load", SECOND, "an epoch of the MLP", "an epoch of the CNN", "evaluation")

Runs = dict[str, list[dict[str, float]]]  # contender → what each of its runs gave


def printed(
    python: str,
    script: str,
    *arguments: object,
    cache: Path,
    settings: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Runs a script of this folder, and returns the JSON in the last line that it prints.

    Args:
        python: the interpreter.
        script: name of the file.
        arguments: of the script.
        cache: where it keeps what a user's cache directory would keep.
        settings: environment variables. `GOMP_SPINCOUNT` is as in `make run`, for everybody.
    """
    environment = {"GOMP_SPINCOUNT": "10000"} | os.environ | (settings or {})
    environment |= {"PYTHONPATH": str(HERE.parent), "ASL_CACHE_DIR": str(cache)}
    command = [python, str(HERE / script), *map(str, arguments)]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def pythons_of(contenders: Sequence[str], others: str) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the interpreter of each contender, and why others are skipped."""
    found, skipped = {}, {}
    for name in contenders:
        found[name] = others if name in NEEDS else sys.executable
        if name in NEEDS:
            try:
                command = [others, "-c", f"import {NEEDS[name]}"]
                subprocess.run(command, capture_output=True, text=True, check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                output = getattr(error, "stderr", None) or str(error)
                skipped[name] = output.strip().splitlines()[-1]
                print(f"{name} is skipped, `make bench` installs it: {skipped[name]}", flush=True)
    return {name: python for name, python in found.items() if name not in skipped}, skipped


def take_turns(
    pythons: dict[str, str], folder: Path, *, rounds: int, epochs: int, others: int, work: Path
) -> Runs:
    """Runs all contenders and the limits, `rounds` times each.

    Args:
        pythons: contender → interpreter.
        folder: of the images.
        rounds, epochs: how often, and how many passes over the training part in a run.
        others: busy processes beside further runs of ours; 0 for no such runs.
        work: a folder for what is in the way afterwards.
    """
    runs: Runs = {name: [] for name in (*pythons, "limits")}
    plan = [(name, name, python, 0, {}) for name, python in pythons.items()]
    if others:
        plan += [(name, "ours", sys.executable, others, of) for name, of in BESIDE.items()]
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory(dir=work) as cache:
            limits = printed(sys.executable, "limits.py", "--data", folder, cache=Path(cache))
        runs["limits"].append(limits)
        for name, contender, python, count, settings in plan:
            with tempfile.TemporaryDirectory(dir=work) as cache, busy(count):
                run = partial(printed, python, "contenders.py", contender, "--data", folder)
                run = partial(run, cache=Path(cache), settings=settings)
                found = run("--epochs", epochs)
                found[SECOND] = run("--epochs", 0)["load"]
            runs.setdefault(name, []).append(found)
            shown = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
            print(f"{folder.name}, round {number}, {name}: {shown}", flush=True)
    return runs


def spread(values: Sequence[float]) -> list[float]:
    """Returns [median, least, most], each of four digits."""
    return [float(f"{of(values):.4g}") for of in (median, min, max)]


def summary(runs: Runs) -> dict[str, dict[str, list[float]]]:
    """Returns contender → case → [median, least, most]."""
    return {
        name: {case: spread([run[case] for run in of]) for case in of[0]}
        for name, of in runs.items()
        if of
    }


def ratios(runs: Runs) -> dict[str, dict[str, list[float]]]:
    """Returns how many times as long as ours each contender took in the same round."""
    cases = (*GROWING, "all")
    return {
        name: {
            case: spread([a[case] / b[case] for a, b in zip(of, runs["ours"], strict=True)])
            for case in cases
            if case in of[0]
        }
        for name, of in runs.items()
        if name not in ("ours", "limits")
    }


def against_limits(runs: Runs, images: int) -> dict[str, list[float]]:
    """Returns how near our own runs come to what the machine allows, in the same rounds."""
    train, test = int(0.8 * images), images - int(0.8 * images)
    shares, loads = [], []
    for mine, limit in zip(runs["ours"], runs["limits"], strict=True):
        work = train * limit["MFLOP, training"] + test * limit["MFLOP, answering"]
        seconds = mine.get("an epoch of the CNN", math.nan)
        shares.append(work / 1e3 / (seconds * limit[RATE]))
        loads.append(mine["load"] / limit[DECODE])
    return {
        "share of the matrix-product rate in epochs of the CNN": spread(shares),
        "first load, in times of decoding": spread(loads),
    }


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Returns the power of the number of images by which a time grows, fitted on logarithms."""
    slope, _ = linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds])
    return round(slope, 3)


def growth(by_size: dict[str, dict]) -> dict[str, float]:
    """Returns the exponent of each of our own times, and of the limits, over the sizes."""
    found = {}
    sizes = [of["images"] for of in by_size.values()]
    for who, case in [("ours", case) for case in GROWING] + [("limits", READ), ("limits", DECODE)]:
        times = [of["runs"][who].get(case) for of in by_size.values()]
        if all(times) and len(sizes) > 1:
            found[case] = exponent(sizes, [spread[0] for spread in times])
    read = [of for of in by_size.values() if of["recognising"]]
    if len(read) > 1:
        times = [of["recognising"]["all images recognised"] for of in read]
        found["all images recognised"] = exponent([of["images"] for of in read], times)
    return found


def measure(source: Path, images: int, pythons: dict[str, str], options: Any) -> dict[str, Any]:
    """Returns everything about one number of images. The first number is measured in full."""
    first = images == options.sizes[0]
    folder = source
    if images != len(images_by_sign(source, None)[0]):
        folder = options.work / str(images)
        make_larger(source, folder, images)
    folder = folder.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    runs = take_turns(
        pythons if images <= options.most else {"ours": sys.executable},
        folder,
        rounds=options.rounds if first else 1,
        epochs=options.epochs if first else 1,
        others=options.busy if first else 0,
        work=options.work,
    )
    recognising: dict[str, Any] = {}
    if options.passes and images <= options.recognised:
        more = ["--data", folder, *(["--passes", options.passes] if first else ["--folder-only"])]
        recognising = printed(sys.executable, "recognising.py", *more, cache=options.work)
        print(f"{folder.name}, recognising: {recognising}", flush=True)
    return {
        "images": images,
        "rounds": options.rounds if first else 1,
        "epochs": options.epochs if first else 1,
        "runs": summary(runs),
        "times ours": ratios(runs),
        "against the limits": against_limits(runs, images),
        "recognising": recognising,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="dataset folder (default: as asl.find_dataset)")
    for name, values, text in (
        ("sizes", [2515, 10_000, 87_000], "numbers of images; the first is measured in full"),
        ("contenders", list(CONTENDERS), "who takes part; ours always does"),
    ):
        kind = {"type": int} if name == "sizes" else {"choices": list(CONTENDERS)}
        parser.add_argument(f"--{name}", nargs="+", default=values, help=text, **kind)
    for name, count, text in (
        ("rounds", 3, "runs of each contender with the first size"),
        ("epochs", 10, "of each model with the first size"),
        ("most", 10_000, "images that others than ours are given"),
        ("recognised", 10_000, "images that the recogniser reads; more take most of an hour"),
        ("busy", 3, "processes that never sleep beside further runs of ours; 0 for none"),
        ("passes", 15, "over the pictures that are recognised; 0 for none"),
    ):
        shown = f"{text} (default: %(default)s)"
        parser.add_argument(f"--{name}", type=int, default=count, help=shown)
    parser.add_argument("--others", default=sys.executable, help="Python with fastai, Lightning")
    parser.add_argument("--work", type=Path, default=Path("build/larger"), help="larger data sets")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(given)

    source = class_root(asl.find_dataset(options.data))
    assert source is not None  # find_dataset has looked
    contenders = [name for name in CONTENDERS if name in {*options.contenders, "ours"}]
    pythons, skipped = pythons_of(contenders, options.others)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    setting = {
        "command": "python " + shlex.join(["benchmarks/bench.py", *given]),
        "hardware": f"{platform.system()}, {os.cpu_count()} CPU cores, {platform.machine()}",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load of the machine at the start": load and round(load, 2),
        "busy processes": options.busy,
        "numbers in lists": "median, least, most",
        "skipped": skipped,
    }
    sizes: dict[str, dict] = {}
    for images in options.sizes:
        sizes[str(images)] = measure(source, images, pythons, options)
        result = {"setting": setting, "sizes": sizes, "growth": growth(sizes)}
        write_text(options.output, json.dumps(result, indent=1) + "\n")  # a size may take long


if __name__ == "__main__":
    main()
