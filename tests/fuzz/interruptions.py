"""Trainings that are killed, and disks that fill up, for `benchmarks/torture.py`."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import torch
from readers import KINDS, small_model, small_recognizer, state_of, train_one_epoch, write_fold
from safetensors.torch import save
from torch.utils.data import TensorDataset

import asl
from asl import tensor_files
from asl.files import write_text

EPOCHS = 10
_PAGE = 4096  # bytes
_STEPS = 200  # sizes of the disk that are tried at most

# --- kills ---------------------------------------------------------------------------------------

_DATA = TensorDataset(
    torch.randn(512, 3, 28, 28, generator=torch.Generator().manual_seed(0)),
    torch.arange(512) % 36,
)


def train(checkpoint: Path) -> str:
    """Trains ten epochs. Returns a key of the model and of what was measured."""
    torch.manual_seed(0)
    model = asl.create_sequential_model()
    metrics = asl.train_model(
        model, _DATA, _DATA, EPOCHS, checkpoint=checkpoint, seed=3, device="cpu", progress=False
    )
    del metrics["epoch_times"]
    return state_of(model) + hashlib.sha256(repr(dict(metrics)).encode()).hexdigest()


def result_of(work: Callable[[], str], after: float | None = None) -> str | None:
    """Works in a child process, which is killed after some seconds, or never.

    Returns:
        What the work returns; an empty text if it raised an error, None if it was killed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, work().encode())
        finally:
            os._exit(0)
    os.close(writer)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader) as pipe:
        result = pipe.read()
    return None if os.WIFSIGNALED(os.waitpid(child, 0)[1]) else result


def train_killed_while_writing(checkpoint: Path, random: Random) -> str:
    """Trains until it kills itself, before, within or after a step of writing a checkpoint."""
    # The content, its sync, its name and the sync of that: four steps an epoch.
    left = random.randint(1, 4 * EPOCHS)
    half = random.choice((True, False))

    def counted(step: Callable, in_part: Callable | None = None) -> Callable:
        def counting(*arguments, **options):
            nonlocal left
            left -= 1
            if left == 0 and half and in_part is not None:
                in_part(*arguments)
            elif left == 0 and half:
                step(*arguments, **options)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments, **options)

        return counting

    def write_a_part(tensors: dict, path: Path, metadata: dict) -> None:
        content = save(tensors, metadata)
        path.write_bytes(content[: random.randrange(len(content))])

    tensor_files.save_file = counted(tensor_files.save_file, write_a_part)
    os.fsync, os.replace = counted(os.fsync), counted(os.replace)
    return train(checkpoint)


def kill(where: str, first: int, last: int) -> dict[str, Any]:
    """Kills trainings, each once, and lets them go on to their end."""
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as folder:
        expected = result_of(partial(train, Path(folder) / "first"))
        assert expected, "a training that nobody kills must end"
        start = time.perf_counter()
        result_of(partial(train, Path(folder) / "again"))
        whole_s = time.perf_counter() - start
        for seed in range(first, last):
            random = Random(f"kill {where} {seed}")
            place = Path(folder) / f"{seed}"
            checkpoint = place / "checkpoint"
            killed = False
            while not killed:  # one that had ended before the signal came does not count
                shutil.rmtree(place, ignore_errors=True)
                if where == "inside a write":
                    work = partial(train_killed_while_writing, checkpoint, random)
                    killed = result_of(work) is None
                else:
                    after = random.uniform(0, whole_s)
                    killed = result_of(partial(train, checkpoint), after) is None
            counts["killed"] += 1
            counts["had a checkpoint"] += checkpoint.exists()
            if result_of(partial(train, checkpoint)) == expected:
                counts["went on to the same end"] += 1
            else:
                faults.setdefault("another end", []).append(seed)
            if [path.name for path in place.iterdir()] != ["checkpoint"]:
                faults.setdefault("something left", []).append(seed)
    return {"counts": counts, "faults": faults}


# --- full disks ----------------------------------------------------------------------------------


def _unpack(path: Path) -> None:
    with patch("asl.sources.user_cache_path", lambda name: path):
        asl.unpack_stand_in()


# What writes, and what tells whether a folder holds all of what it writes.
WRITERS: dict[str, tuple[Callable[[Path], object], Callable[[Path], bool]]] = {
    "write_text": (
        lambda path: write_text(path, "x" * 20_000),
        lambda folder: _only_file(folder).read_text() == "x" * 20_000,
    ),
    "save_model": (
        lambda path: asl.save_model(small_model(), path),
        lambda folder: KINDS["model"].read(_only_file(folder)) is not None,
    ),
    "Recognizer.save": (
        lambda path: small_recognizer().save(path),
        lambda folder: KINDS["recogniser"].read(_only_file(folder)) is not None,
    ),
    "train_model(checkpoint=)": (
        train_one_epoch,
        lambda folder: KINDS["checkpoint"].read(_only_file(folder)) is not None,
    ),
    "FoldCache.write": (
        write_fold,
        lambda folder: KINDS["fold"].read(_only_file(folder)) is not None,
    ),
    "unpack_stand_in": (
        _unpack,
        lambda folder: len(asl.ASLDataset(folder, progress=False)) == 1800,
    ),
}


def _only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the files in a folder, and drafts that were left."""
    found = [path for path in folder.rglob("*") if path.is_file() or path.name[0] == "."]
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in found}


def fill_disk(name: str) -> dict[str, Any]:
    """Lets a writer write to disks of ever more free pages, until it has fitted three times.

    If it fits, all must be there. If not, an OSError must be raised, and what was there before must
    still be there, and nothing else.
    """
    torch.set_num_threads(1)
    write, is_whole = WRITERS[name]
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    # A checkpoint that holds something else is refused, as it should be.
    old = {"file": b"old"} if name in ("write_text", "save_model", "Recognizer.save") else {}
    with tempfile.TemporaryDirectory() as there, tempfile.TemporaryDirectory() as disk:
        write(Path(there) / "file")
        needed = sum(_PAGE + len(content) for content in contents(Path(there)).values())
        pages = 32 + 3 * needed // _PAGE
        command = ["mount", "-t", "tmpfs", "-o", f"size={pages * _PAGE}", "tmpfs", disk]
        subprocess.run(command, check=True)
        try:
            folder, ballast = Path(disk) / "files", Path(disk) / "ballast"
            for free in range(0, pages, max(1, pages // (3 * _STEPS))):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                for before, content in old.items():
                    (folder / before).write_bytes(content)
                ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - free * _PAGE)))
                try:
                    write(folder / "file")
                except OSError:
                    counts["refused"] += 1
                    if contents(folder) != old:
                        faults.setdefault("something else left", []).append(free)
                except Exception as error:
                    faults.setdefault(type(error).__name__, []).append(free)
                else:
                    counts["written"] += 1
                    if not is_whole(folder):
                        faults.setdefault("not whole", []).append(free)
                ballast.unlink()
                if counts["written"] == 3:
                    break
        finally:
            subprocess.run(["umount", disk], check=True)
    return {"counts": counts, "faults": faults}
