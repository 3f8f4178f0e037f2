"""Trainings that are killed and go on, for `benchmarks/torture.py` and the tests.

A process that is killed before its first checkpoint only begins again, and most of its life is
spent on imports. So the moments are drawn from the time after the first checkpoint.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image
from readers import state_of
from safetensors.torch import save
from torch.utils.data import TensorDataset

import asl
from asl import tensor_files
from asl.files import CHECKOUT

EPOCHS = 10
COMMAND = "asl train"

Finish = Callable[[Path], tuple[str, float]]
"""Trains in a folder from where it is to the end. Returns a key of what came out, and how many
seconds passed since there was a checkpoint."""
KillOnce = Callable[[Path, Random, float], bool]
"""Trains in a folder until it is killed, within some seconds of the first checkpoint. Tells whether
it was: if not, it had ended before."""


def kill(where: str, first: int, last: int) -> dict[str, Any]:
    """Kills trainings, each once, and lets them go on to their end.

    Args:
        where: ``"at any moment"`` after its first checkpoint or ``"inside a write"`` of
            `asl.train_model`, or `COMMAND` at any moment after its first checkpoint.
        first, last: seeds, each of one kill; the last is left out.
    """
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        whole.mkdir()
        finish, kill_once = _command(whole) if where == COMMAND else _training(where)
        if where != COMMAND:
            train(Path(folder) / "first")  # imports what every child would import again
        expected, seconds = finish(whole)
        names = _names_in(whole)
        for seed in range(first, last):
            random = Random(f"kill {where} {seed}")
            place = Path(folder) / f"{seed}"
            killed = False
            while not killed:  # one that had ended before the signal came does not count
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                killed = kill_once(place, random, seconds)
            counts["killed"] += 1
            counts["had a checkpoint"] += _has_checkpoint(place)
            if finish(place)[0] == expected:
                counts["went on to the same end"] += 1
            else:
                faults.setdefault("another end", []).append(seed)
            if _names_in(place) != names:
                faults.setdefault("something left", []).append(seed)
    return {"counts": counts, "faults": faults}


_CHECKPOINTS = ("checkpoint", "kept/finder.safetensors")  # of `train_model`, the command's first


def _names_in(folder: Path) -> set[str]:
    """Returns files and folders: a draft that was left may be an empty folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def _has_checkpoint(place: Path) -> bool:
    return any((place / name).is_file() for name in _CHECKPOINTS)


def _wait_for_checkpoint(place: Path, ended: Callable[[], bool]) -> None:
    while not _has_checkpoint(place) and not ended():
        time.sleep(0.001)


# --- train_model ---------------------------------------------------------------------------------

_DATA = TensorDataset(
    torch.randn(512, 3, 28, 28, generator=torch.Generator().manual_seed(0)),
    torch.arange(512) % 36,
)


def _training(where: str) -> tuple[Finish, KillOnce]:
    def finish(place: Path) -> tuple[str, float]:
        result, seconds = result_of(partial(train, place / "checkpoint"), place)
        assert result, "a training that nobody kills must end"
        return result, seconds

    def kill_once(place: Path, random: Random, within: float) -> bool:
        if where == "inside a write":
            work = partial(train_killed_while_writing, place / "checkpoint", random)
            return result_of(work, place)[0] is None
        after = random.uniform(0, within)
        return result_of(partial(train, place / "checkpoint"), place, after)[0] is None

    return finish, kill_once


def train(checkpoint: Path) -> str:
    """Trains ten epochs. Returns a key of the model and of what was measured."""
    torch.manual_seed(0)
    model = asl.create_sequential_model()
    metrics = asl.train_model(
        model, _DATA, _DATA, EPOCHS, checkpoint=checkpoint, seed=3, device="cpu", progress=False
    )
    del metrics["epoch_times"]
    return state_of(model) + hashlib.sha256(repr(dict(metrics)).encode()).hexdigest()


def result_of(
    work: Callable[[], str], place: Path, after: float | None = None
) -> tuple[str | None, float]:
    """Works in a child process, which is killed some seconds after its first checkpoint, or never.

    Returns:
        result: of the work; an empty text if it raised an error, None if it was killed
        seconds: that the child lived with a checkpoint
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, work().encode())
        finally:
            os._exit(0)
    os.close(writer)
    ended = partial(os.waitid, os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    _wait_for_checkpoint(place, lambda: ended() is not None)
    start = time.perf_counter()
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader) as pipe:
        result = pipe.read()
    seconds = time.perf_counter() - start
    return None if os.WIFSIGNALED(os.waitpid(child, 0)[1]) else result, seconds


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


# --- the command ---------------------------------------------------------------------------------

_OUTPUT = "weights.safetensors"
_ARGUMENTS = (
    "--model cnn --image-size 28 --epochs 2 --finder-epochs 2 --threads 1 --checkpoint kept "
    f"--output {_OUTPUT} --data"
).split()


def _command(whole: Path) -> tuple[Finish, KillOnce]:
    images = whole.with_name("images")
    for i in range(96):
        sign, signer = "ab"[i % 2], 1 + i // 48
        noise = np.random.default_rng(i).integers(0, 256, (28, 28, 3), dtype=np.uint8)
        (images / sign).mkdir(parents=True, exist_ok=True)
        name = f"hand{signer}_{sign}_dif_seg_{i}_cropped.png"
        Image.fromarray(noise).save(images / sign / name)

    def started(place: Path) -> subprocess.Popen:
        """Starts the command in a folder, and waits until it has found its images."""
        process = subprocess.Popen(
            [sys.executable, "-m", "asl", "train", *_ARGUMENTS, str(images)],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT), "TQDM_DISABLE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        assert any(line.startswith("Images: ") for line in said), "the command must begin"
        return process

    def finish(place: Path) -> tuple[str, float]:
        process = started(place)
        _wait_for_checkpoint(place, lambda: process.poll() is not None)
        start = time.perf_counter()
        _, said = process.communicate()
        assert process.returncode == 0, said
        key = hashlib.sha256((place / _OUTPUT).read_bytes()).hexdigest()
        return key, time.perf_counter() - start

    def kill_once(place: Path, random: Random, within: float) -> bool:
        process = started(place)
        _wait_for_checkpoint(place, lambda: process.poll() is not None)
        try:
            process.communicate(timeout=random.uniform(0, within))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode == -signal.SIGKILL

    return finish, kill_once
