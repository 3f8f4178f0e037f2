"""Answers every image with a model that was not trained on it.

`cross_validate` trains as many models as there are folds, in this process or in several, and puts
their answers together. `asl.evaluation.fold_cache` keeps finished folds, and
`asl.evaluation.report` computes figures from the answers.
"""

import contextlib
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from asl.data import ASLDataset
from asl.decoded.cache import sent_by_name
from asl.decoding import shown
from asl.devices import default_device, seeded, usable_device
from asl.evaluation.calibration import fit_temperature
from asl.evaluation.fold_cache import FoldCache, Job
from asl.evaluation.report import CrossValidation
from asl.files import check_folder_writable, end_with_parent, locked, progress_bar
from asl.fingerprints import CannotKeyError, fingerprint
from asl.processes.group import ALONE, Processes
from asl.signs import SIGNS
from asl.splits import bursts_of, make_folds
from asl.training import predict_log_probs, train_model


def cross_validate(
    make_model: Callable[[], nn.Module],
    dataset: ASLDataset,
    *,
    protocol: str = "signer",
    seeds: Sequence[int] = (0,),
    folds: int = 5,
    calibrate: bool = False,
    extra: ASLDataset | None = None,
    workers: int = 1,
    processes: Processes = ALONE,
    resume_dir: str | os.PathLike | None = None,
    progress: bool = True,
    **training: Any,
) -> CrossValidation:
    """Tests a model on each fold after training it on all others. Every image is answered once.

    A *fold* is a part of the images that is held out together. A seed fixes the folds (of
    ``"random"`` and ``"burst"``), the initial weights, the order of the images and the dropout. On
    a CPU results repeat exactly for the same number of threads and `workers`.

    With `calibrate`, further models leave out two folds each. The temperature for a fold is fitted
    on what these models answer for the other fold. So neither a model nor a temperature has seen
    anything of the fold that it serves. With F folds this trains F (F - 1) / 2 more models.

    Args:
        make_model: builds an untrained model, such as `ASLNet`: images (N, 3, S, S) →
            log-probabilities (N, 36). `train_model` trains it, unless it has a method
            ``fit(train_data)``, as `NearestNeighbour` does.
        dataset: the images.
        protocol: the unit that is held out together, see `asl.splits.make_folds`: ``"random"``
            (single images), ``"burst"`` or ``"signer"``.
        seeds: one cross-validation for each of them.
        folds: number of folds. ``"signer"`` has one for each signer.
        calibrate: fit temperatures, which needs at least three folds.
        extra: further images, such as rendered ones, that join the training part of every fold.
            They are never tested on.
        workers: number of processes, which share the CPU's cores. 1 means this process. Others
            must be able to import `make_model`, so it cannot be a lambda or a class of a notebook,
            and a script must guard the call with ``if __name__ == "__main__":``.
        processes: those that deal the models out among themselves, on one machine or many, see
            `asl.joined`. All make the same call, with one worker, and return the same.
        resume_dir: folder for the answers of finished models. An interrupted call goes on where it
            stopped. Answers for other images, models, options, code, versions of torch or kinds of
            device never mix. Code is also that of the modules, of your own, that `make_model` uses
            or imports.
            Another process that works in the same folder waits.
        progress: show a bar of finished models.
        **training: options of `train_model`, such as ``epochs=10``.

    Raises:
        ValueError: if an option is out of range, if a file's name does not tell its signer, if
            `make_model` cannot be sent to other processes, or if `processes` see other images.
        OSError: if nothing can be written into `resume_dir`.
    """
    if isinstance(make_model, nn.Module):
        raise ValueError(
            "expected what makes an untrained model, such as asl.ASLNet or lambda: MyModel(3), "
            f"found a model, of type {type(make_model).__name__}: each fold needs a new one"
        )
    if not isinstance(dataset, ASLDataset):
        raise ValueError(
            f"expected an ASLDataset, whose files tell signers and bursts, found a "
            f"{type(dataset).__name__}: pass asl.ASLDataset(folder), or the dataset behind a Subset"
        )
    if not seeds or workers < 1:
        raise ValueError(
            f"expected at least one seed and one worker, found seeds={list(seeds)}, "
            f"workers={workers}"
        )
    if resume_dir is not None and processes.rank == 0:
        check_folder_writable(Path(os.path.realpath(resume_dir)), resume_dir)
    if processes.count > 1:
        if workers > 1:
            raise ValueError(f"expected one worker in each of {processes.count}, found {workers}")
        processes.check_equal({"number of images": len(dataset), "protocol": protocol})
        processes.check_equal({"images": fingerprint([dataset.images, dataset.labels])})
        device = processes.device
        # Each has its own GPU as the default one, whose number is no part of a fold's key.
        if device is not None and device.type != default_device().type:
            training = {"device": device} | training
    fold_of = {seed: make_folds(dataset, protocol, folds=folds, seed=seed) for seed in seeds}
    count = int(fold_of[seeds[0]].max()) + 1
    if calibrate and count < 3:
        raise ValueError(
            f"expected at least 3 folds for calibrate=True, found {count}: one to test on, one to "
            "fit the temperature on, one to train on"
        )
    left_out: list[tuple[int, ...]] = [(fold,) for fold in range(count)]
    if calibrate:
        left_out += combinations(range(count), 2)
    jobs: list[Job] = [(seed, out) for seed in seeds for out in left_out]

    everything = dataset if extra is None else dataset.joined_with(extra)
    work = _Work(make_model, everything, fold_of, training)
    title = f"{getattr(make_model, '__name__', 'model')}, {protocol} folds" if progress else None
    alone: contextlib.AbstractContextManager = contextlib.nullcontext()
    # The first process keeps other programs out; each of these has files of its own.
    if resume_dir is not None and processes.rank == 0:
        waiting = f"Waiting for another process that works in '{shown(resume_dir)}'."
        alone = locked(Path(resume_dir) / ".lock", waiting)
    with alone:
        processes.each(None)  # nobody reads before the folder is locked
        mine = processes.dealt(jobs)
        parts = processes.each(_answers(work, mine, workers, resume_dir, title))
        answers = {job: answer for part in parts for job, answer in part.items()}

    labels = torch.tensor(dataset.labels)
    temperatures = None
    if calibrate:
        temperatures = torch.tensor(
            [
                [
                    _temperature_for(fold, seed, answers, fold_of[seed], labels)
                    for fold in range(count)
                ]
                for seed in seeds
            ]
        )
    log_probs = torch.empty(len(seeds), len(dataset), len(SIGNS))
    for row, seed in enumerate(seeds):
        for fold in range(count):
            log_probs[row, fold_of[seed] == fold] = answers[seed, (fold,)]
    return CrossValidation(
        protocol=protocol,
        seeds=tuple(seeds),
        labels=labels,
        log_probs=log_probs,
        folds=torch.stack([fold_of[seed] for seed in seeds]),
        temperatures=temperatures,
        signers=list(dataset.signers),
        bursts=bursts_of(dataset),
    )


def _temperature_for(
    fold: int, seed: int, answers: dict[Job, Tensor], fold_of: Tensor, labels: Tensor
) -> float:
    """Fits the temperature for a fold on the other folds.

    Each of these was answered by a model that had seen neither it nor `fold`.
    """
    log_probs, actual = [], []
    for (of_seed, out), answer in answers.items():
        if of_seed == seed and len(out) == 2 and fold in out:
            in_either = torch.isin(fold_of, torch.tensor(out))
            other = fold_of[in_either] != fold
            log_probs.append(answer[other])
            actual.append(labels[in_either][other])
    return fit_temperature(torch.cat(log_probs), torch.cat(actual))


# --- training the models -------------------------------------------------------------------------


def _answers(
    work: "_Work",
    jobs: Sequence[Job],
    workers: int,
    resume_dir: str | os.PathLike | None,
    title: str | None,
) -> dict[Job, Tensor]:
    """Returns the answers of all jobs, those that were kept and those that are made now."""
    store, answers = None, {}
    if resume_dir is not None:
        setting = (work.make_model, work.dataset, work.training, workers)
        try:
            store = FoldCache(resume_dir, *setting)
        except CannotKeyError as error:
            warnings.warn(f"keeps no folds in '{shown(resume_dir)}': {shown(error)}", stacklevel=3)
        else:
            answers = store.read(jobs, work.fold_of)
    missing = [job for job in jobs if job not in answers]
    finished: Iterable[tuple[Job, Tensor]] = _run(work, missing, min(workers, len(missing) or 1))
    if title is not None and missing:
        finished = progress_bar(finished, title, len(missing))
    for job, log_probs in finished:
        if not torch.isfinite(log_probs.exp()).all():
            raise ValueError(
                f"expected log-probabilities from the model of {job}, found nan or infinity: it "
                "is not kept"
            )
        answers[job] = log_probs
        if store is not None:
            store.write(job, work.fold_of[job[0]], log_probs)
    return answers


@dataclass(frozen=True)
class _Work:
    """Everything that a process needs to know to do any of the jobs."""

    make_model: Callable[[], nn.Module]
    dataset: ASLDataset  # with the extra images, if any, at its end
    fold_of: dict[int, Tensor]  # of the images to be tested
    training: dict[str, Any]

    def do(self, job: Job) -> np.ndarray:
        """Trains the job's model and returns its answers (M, 36) for the folds left out."""
        seed, out = job
        left_out = torch.isin(self.fold_of[seed], torch.tensor(out))
        extra = range(len(left_out), len(self.dataset))
        train = Subset(self.dataset, (~left_out).nonzero().flatten().tolist() + list(extra))
        test = Subset(self.dataset, left_out.nonzero().flatten().tolist())
        device = usable_device(self.training.get("device"))
        with seeded(seed, device):
            model = self.make_model()
        fit: Any = getattr(model, "fit", None)
        if fit is not None:
            fit(train)
        else:
            train_model(model, train, None, seed=seed, progress=False, **self.training)
        return predict_log_probs(model, test)[0].numpy()


_work_here: _Work | None = None  # in a worker process, which receives its work once


def _run(work: _Work, jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Tensor]]:
    """Yields each job with its answers, in the order in which they finish."""
    if workers == 1:
        for job in jobs:
            yield job, torch.from_numpy(work.do(job))
        return
    try:
        # Pickled here: torch would share the images through a file system that is often too small.
        with sent_by_name():
            packed = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            "expected make_model and the training options to be importable by other processes for "
            f"workers={workers}, found {work.make_model!r}: {error}. workers=1 takes anything."
        ) from error
    threads = max(1, torch.get_num_threads() // workers)
    # Spawned, not forked: a fork may hang once torch has run threads in this process.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(packed, threads)
    ) as pool:
        running = {pool.submit(_do, job): job for job in jobs}
        try:
            for future in as_completed(running):
                yield running[future], torch.from_numpy(future.result())
        finally:
            pool.shutdown(cancel_futures=True)  # an error or Ctrl+C does not wait for the rest


def _begin(packed: bytes, threads: int) -> None:
    global _work_here
    end_with_parent()
    torch.set_num_threads(threads)
    _work_here = pickle.loads(packed)


def _do(job: Job) -> np.ndarray:
    assert _work_here is not None  # every worker begins with `_begin`
    return _work_here.do(job)
