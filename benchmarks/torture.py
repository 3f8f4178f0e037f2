"""Damages files, kills trainings and fills disks, and counts what goes wrong.

    python benchmarks/torture.py --output results/reliability.json

- *Damaged files*: pictures, and the five kinds of checked files, each damaged by its own seed; see
  tests/fuzz. Then each checked file cut off at every percent of its length, and with one bit
  flipped. And checked files with other facts or numbers and a checksum that fits ("signed again").
- *Kills*: SIGKILL at a random moment after the first checkpoint of a training of ten epochs, inside
  the writing of a checkpoint, and at a random moment after the first checkpoint of the command
  ``asl train``. It goes on, and must end as the training that was never killed, the command with
  the same bytes in its file.
- *Full disks*: every writer writes to a disk that fills up after any number of pages. Linux, as
  root: it mounts a small disk in memory. Elsewhere this part is left out, and the record says so.
- *Closed folders and files*: every writer writes into a folder that may only be read, or not even
  that, and every reader reads what is closed. As root: a child process gives up its rights.
- *Memory and time*: the largest picture of each format that is let in is decoded, and crafted files
  of weights are refused, each in a process of its own. Linux.

What is finished is kept in build/torture, as long as the code stays the same, and the record is
written after every part. So a run that was interrupted has a record, which says so, and goes on;
``--first`` continues a range of seeds, and ``--only killed`` does one part.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import resource
import shlex
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import PIL
import safetensors
import torch

from asl.files import end_with_parent, write_text
from asl.source_code import source_of_package

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
import crafted_weights  # noqa: E402
import largest_pictures  # noqa: E402
from closed_folders import (  # noqa: E402
    CAN_GIVE_UP_RIGHTS,
    READ,
    read_what_is_closed,
    write_into_closed,
)
from damage import forged  # noqa: E402
from full_disks import WRITERS, fill_disk  # noqa: E402
from interruptions import COMMAND, EPOCHS, kill  # noqa: E402
from peak_memory import CAN_MEASURE  # noqa: E402
from readers import KINDS, LIMIT_S, OtherContent, outcome  # noqa: E402

CHECKED = [name for name, kind in KINDS.items() if kind.checked]
FORGED = [name for name, kind in KINDS.items() if kind.damage is forged]
CHUNK = 500  # what one job does; finished jobs are kept

# --- damaged files -------------------------------------------------------------------------------


def read_all(name: str, contents: Iterator[tuple[Any, bytes]]) -> dict[str, Any]:
    """Reads files of a kind. Returns counts, and each kind of fault with the seeds that show it."""
    kind, whole = KINDS[name], whole_of(name)
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(whole[0])
        expected = kind.read(path) if kind.checked else None
        for seed, content in contents:
            path.write_bytes(content)
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, 4 * LIMIT_S)
            try:
                counts[outcome(kind, path, expected)] += 1
            except OtherContent:
                counts["other content accepted"] += 1
                faults.setdefault("OtherContent", []).append(seed)
            except (Exception, Hang) as error:
                counts["foreign exceptions"] += 1
                frame = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{type(error).__name__} in {Path(frame.filename).name}"
                faults.setdefault(where, []).append(seed)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            seconds = time.perf_counter() - start
            counts["over 5 s"] += seconds > LIMIT_S
            slowest = max(slowest, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"counts": counts, "faults": faults, "slowest": slowest, "peak": peak}


class Hang(BaseException):
    """A file took four times as long as any may take."""


def whole_of(name: str) -> list[bytes]:
    """Returns the whole files of a kind, made once by the process that starts the others."""
    return [path.read_bytes() for path in sorted((KEPT / "whole" / name).iterdir())]


def damaged_by_seed(name: str, first: int, last: int) -> Iterator[tuple[Any, bytes]]:
    whole = whole_of(name)
    for seed in range(first, last):
        random = Random(f"{name} {seed}")
        yield seed, KINDS[name].damage(random.choice(whole), random, whole)


def cut_off(name: str, first: int, last: int) -> Iterator[tuple[Any, bytes]]:
    (whole,) = whole_of(name)
    for percent in range(first, last):
        yield percent, whole[: len(whole) * percent // 100]


def one_bit_flipped(name: str, first: int, last: int) -> Iterator[tuple[Any, bytes]]:
    (whole,) = whole_of(name)
    for seed in range(first, last):
        random, changed = Random(f"bit {name} {seed}"), bytearray(whole)
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        yield seed, bytes(changed)


WAYS = {"damaged": damaged_by_seed, "cut off": cut_off, "one bit flipped": one_bit_flipped}

# --- memory and time ------------------------------------------------------------------------------


def read_largest(name: str) -> dict[str, Any]:
    """Decodes the largest picture of a kind that is let in."""
    found = largest_pictures.measure(name)
    over = {
        f"over {largest_pictures.LIMIT_MB} MB": found["MB"] > largest_pictures.LIMIT_MB,
        f"over {LIMIT_S} s": found["seconds"] > LIMIT_S,
    }
    faults = {what: [name] for what, is_over in over.items() if is_over}
    return {"counts": {"read": 1}, "faults": faults, "measured": found}


def refuse_crafted(name: str) -> dict[str, Any]:
    """Refuses all crafted files of weights."""
    found = crafted_weights.measure()
    let_in = found.pop("let in")
    faults = {"let in": let_in} if let_in else {}
    if found["MB"] > crafted_weights.LIMIT_MB:
        faults[f"over {crafted_weights.LIMIT_MB} MB"] = [found["MB"]]
    if found["slowest (s)"] > crafted_weights.LIMIT_S:
        faults[f"over {crafted_weights.LIMIT_S} s"] = [found["slowest"]]
    return {"counts": {"refused": found.pop("refused")}, "faults": faults, "measured": found}


ONCE = {
    "full disk": fill_disk,
    "closed folder": write_into_closed,
    "closed file": read_what_is_closed,
    "largest picture": read_largest,
    "crafted weights": refuse_crafted,
}

# --- the run -------------------------------------------------------------------------------------

OURS = b"".join(path.read_bytes() for path in sorted((ROOT / "tests" / "fuzz").glob("*.py")))
KEPT = ROOT / "build" / "torture" / f"{source_of_package()}-{hashlib.sha256(OURS).hexdigest()[:8]}"


def do(job: tuple[str, str, int, int]) -> dict[str, Any]:
    """Does a job, or reads what it gave: (what, kind of file or moment, first seed, last seed)."""
    what, name, first, last = job
    kept = KEPT / f"{what} {name} {first}-{last}.json"
    if not kept.exists():
        if what in WAYS:
            result = read_all(name, WAYS[what](name, first, last))
        else:
            once = ONCE.get(what)
            result = once(name) if once is not None else kill(name, first, last)
        write_text(kept, json.dumps(result))
    return json.loads(kept.read_text())


def begin() -> None:
    end_with_parent()
    torch.set_num_threads(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff tells of every damage

    def stop(*_: Any) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, stop)


def jobs_of(options: argparse.Namespace) -> list[tuple[str, str, int, int]]:
    def chunks(what: str, name: str, count: int, size: int = CHUNK, start: int = options.first):
        end = start + count
        return [(what, name, at, min(at + size, end)) for at in range(start, end, size)]

    jobs = chunks("damaged", "picture", options.pictures)
    jobs += chunks("damaged", "picture, looked at", options.pictures // 4)
    jobs += chunks("damaged", "results", options.weights // 4)
    for name in CHECKED:
        jobs += chunks("damaged", name, options.weights)
        jobs += chunks("cut off", name, 100, 100, 0)
        jobs += chunks("one bit flipped", name, options.flips)
    for name in FORGED:
        jobs += chunks("damaged", name, options.weights)
    jobs += chunks("killed", "at any moment", options.kills, 10)
    jobs += chunks("killed", "inside a write", options.kills_inside, 10)
    jobs += chunks("killed", COMMAND, options.kills_of_command, 10)
    writers = [name for name, of in WRITERS.items() if find_spec(of.needs)]
    if CAN_GIVE_UP_RIGHTS and shutil.which("mount"):
        jobs += [("full disk", name, 0, 1) for name in writers]
    if CAN_GIVE_UP_RIGHTS:
        jobs += [("closed folder", name, 0, 1) for name in writers]
        jobs += [("closed file", name, 0, 1) for name in READ]
    if CAN_MEASURE:
        jobs += [("largest picture", name, 0, 1) for name in largest_pictures.LARGEST]
        jobs += [("crafted weights", "all", 0, 1)]
    return jobs


def joined(jobs: list, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Adds up what the jobs of one kind gave."""
    result: dict[str, Any] = {}
    for (what, name, *_), part in zip(jobs, found, strict=True):
        row = result.setdefault(what, {}).setdefault(name, {"counts": Counter(), "faults": {}})
        row["counts"].update(part["counts"])
        for fault, seeds in part["faults"].items():
            row["faults"].setdefault(fault, []).extend(seeds)
        row["slowest"] = max(row.get("slowest", 0), part.get("slowest", 0))
        row["measured"] = part.get("measured", {})
    return {
        what: {
            name: dict(row["counts"])
            | ({"slowest (s)": round(row["slowest"], 2)} if what in WAYS else {})
            | row["measured"]
            | {"faults": {k: {"count": len(v), "seeds": v[:3]} for k, v in row["faults"].items()}}
            for name, row in rows.items()
        }
        for what, rows in result.items()
    }


def record(
    options: argparse.Namespace, jobs: list, found: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """Returns what the finished jobs found, and how. The last of all jobs may not be finished."""
    results = joined(jobs[: len(found)], found)
    setting = {
        "command": "python " + shlex.join(["benchmarks/torture.py", *sys.argv[1:]]),
        **{key: value for key, value in vars(options).items() if key not in ("only", "output")},
        "epochs": EPOCHS,
        "limit (s)": LIMIT_S,
        "code of asl": source_of_package(),
        "hardware": f"{platform.system()}, {os.cpu_count()} CPU cores, {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{of.__name__: of.__version__ for of in (torch, PIL, safetensors)},
        },
        "peak of a process (MiB)": max(part.get("peak", 0) for part in found),
        "seconds": round(seconds),
    }
    if len(found) < len(jobs):
        setting["interrupted"] = f"after {len(found)} of {len(jobs)} parts"
        return {"setting": setting, **results}
    if options.only:
        setting["not run"] = f"anything but {options.only}"
        return {"setting": setting, **results}
    missing = {
        "full disk": "full disks: mounting one takes Linux and root",
        "closed folder": "closed folders: giving up rights takes root",
        "largest picture": "memory: asking how much a process takes at most takes Linux",
    }
    if left_out := [why for what, why in missing.items() if what not in results]:
        setting["not run"] = "; ".join(left_out)
    return {"setting": setting, **results}


def beside_earlier(part: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """Puts what was measured of one part into an earlier record, and says by which code."""
    setting, name = part["setting"], part["setting"]["command"]
    apart = earlier["setting"].get("measured apart", {}) | {
        name: {of: setting[of] for of in ("code of asl", "seconds", "interrupted") if of in setting}
    }
    return earlier | part | {"setting": earlier["setting"] | {"measured apart": apart}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, count in (
        ("pictures", 20_000),
        ("weights", 5_000),
        ("flips", 1_000),
        ("kills", 100),
        ("kills-inside", 30),
        ("kills-of-command", 20),
        ("first", 0),
        ("workers", 2),
    ):
        text = "the first seed" if name == "first" else "how many"
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{text} (default: {count})")
    parser.add_argument(
        "--only",
        metavar="PART",
        help="one part, such as killed; an earlier record keeps its other parts",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    for name, kind in KINDS.items():
        for i, content in enumerate(kind.whole()):
            path = KEPT / "whole" / name / f"{i:02}"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    jobs, found = [job for job in jobs_of(options) if options.only in (None, job[0])], []
    if not jobs:
        parser.error(
            f"expected a part of the record that can be measured here, found {options.only}"
        )
    earlier = None
    if options.only and options.output.exists():
        earlier = json.loads(options.output.read_text())
    start = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, context, initializer=begin) as pool:
        for job, part in zip(jobs, pool.map(do, jobs), strict=True):
            found.append(part)
            print(*job, dict(part["counts"]), part["faults"] or "", flush=True)
            seconds = time.perf_counter() - start
            so_far = record(options, jobs, found, seconds)
            if earlier is not None:
                so_far = beside_earlier(so_far, earlier)
            write_text(options.output, json.dumps(so_far, indent=1) + "\n")


if __name__ == "__main__":
    main()
