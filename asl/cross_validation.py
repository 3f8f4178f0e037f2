"""Each image answered by a model that was not trained on it, and what follows from the answers.

`cross_validate` trains as many models as there are folds, in this process or in several, keeps each
finished fold in a file if asked to, and puts the answers together. Everything else is computed from
them: see `CrossValidation.scores`.
"""

import hashlib
import os
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from asl.calibration import fit_temperature, reliability, selective_accuracy
from asl.data import ASLDataset, progress_bar
from asl.evaluation import (
    bootstrap_interval,
    confusion_matrix,
    group_accuracy,
    merge_look_alikes,
    per_class_accuracy,
)
from asl.signs import SHAPES, SIGNS
from asl.splits import bursts_of, make_folds
from asl.training import default_device, predict_log_probs, seeded, train_model

Job = tuple[int, tuple[int, ...]]
"""A seed, and the folds that its model does not see."""

_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # of images answered, in selective accuracy
_CONFUSIONS = 15  # pairs listed


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold answers: S seeds, N images, F folds.

    Attributes:
        protocol: ``"random"``, ``"burst"`` or ``"signer"``.
        seeds: length S.
        labels: int64 (N,), in the dataset's order.
        log_probs: float (S, N, 36), of models that were not trained on the image's fold.
        folds: int64 (S, N), the fold each image was in.
        temperatures: float (S, F), each fitted without the fold it is for; None if not asked for.
        signers: of each image, or None where its name does not tell.
        bursts: of each image, or None if a name does not tell.
    """

    protocol: str
    seeds: tuple[int, ...]
    labels: Tensor
    log_probs: Tensor
    folds: Tensor
    temperatures: Tensor | None
    signers: list[int | None]
    bursts: list[tuple] | None

    @property
    def calibrated(self) -> Tensor:
        """The log-probabilities (S, N, 36), each fold's divided by its temperature."""
        if self.temperatures is None:
            raise ValueError("expected a cross-validation with calibrate=True, found one without")
        temperature = self.temperatures.gather(1, self.folds).unsqueeze(2)  # (S, N, 1)
        return torch.log_softmax(self.log_probs / temperature, dim=2)

    def scores(self) -> dict[str, Any]:
        """Computes every figure, for the 36 labels and for the 33 shapes.

        Accuracies and errors are shares from 0 to 1, rounded to four digits. A standard deviation
        (``sd``) is over seeds, and None for a single one; an ``interval`` holds 95 % of 2,000
        bootstrap draws of whole bursts (of single images, where the names do not tell bursts), of
        the accuracy averaged over seeds. What has no images is None, and counted as absent.

        Returns:
            ``labels_36`` and ``shapes_33``, each with ``accuracy``, ``signer_mean`` (each signer
            counting the same), ``worst_signer``, ``per_signer``, ``per_sign``, ``absent_signs``,
            ``ece``, ``reliability`` (count, confidence and accuracy of each bin that has answers)
            and ``selective`` (accuracy by share answered); with ``_calibrated`` beside the last
            three after temperature scaling. Then ``confusions``: actual sign, answer, and the share
            of the actual sign's images.
        """
        answers = {"": self.log_probs}
        if self.temperatures is not None:
            answers["_calibrated"] = self.calibrated
        result: dict[str, Any] = {"images": len(self.labels), "seeds": len(self.seeds)}
        for name, classes in (("labels_36", SIGNS), ("shapes_33", SHAPES)):
            entry: dict[str, Any] = {}
            for suffix, log_probs in answers.items():
                labels = self.labels
                if classes is SHAPES:
                    log_probs, labels = merge_look_alikes(log_probs, labels)
                if not suffix:
                    entry |= self._accuracies(log_probs, labels, classes)
                entry |= {f"{k}{suffix}": v for k, v in _confidences(log_probs, labels).items()}
            result[name] = entry
        result["confusions"] = self._confusions()
        if self.temperatures is not None:
            result["temperatures"] = _rounded(self.temperatures.mean(dim=0).tolist())
        return result

    def _accuracies(self, log_probs: Tensor, labels: Tensor, classes: Sequence[str]) -> dict:
        correct = (log_probs.argmax(dim=2) == labels).double()  # (S, N)
        clusters = range(len(labels)) if self.bursts is None else self.bursts
        entry: dict[str, Any] = {
            "accuracy": _mean_sd(correct.mean(dim=1).tolist())
            | {"interval": _rounded(bootstrap_interval(correct.mean(dim=0), clusters))}
        }
        if None not in self.signers:
            runs = [group_accuracy(answers, labels, self.signers) for answers in log_probs]
            entry["signer_mean"] = _mean_sd([mean(a for a, _ in run.values()) for run in runs])
            per_signer = {
                signer: {
                    "n": n,
                    **_mean_sd([run[signer][0] for run in runs]),
                    "absent_signs": len(classes) - len(set(labels[self._of(signer)].tolist())),
                }
                for signer, (_, n) in runs[0].items()
            }
            worst = min(per_signer, key=lambda signer: per_signer[signer]["mean"])
            entry["worst_signer"] = {"signer": worst, **per_signer[worst]}
            entry["per_signer"] = {str(signer): row for signer, row in per_signer.items()}
        confusion = sum(confusion_matrix(a, labels, len(classes)) for a in log_probs)
        rates = per_class_accuracy(confusion).tolist()
        entry["per_sign"] = {
            sign: None if rate != rate else round(rate, 4)  # nan, the only value unequal to itself
            for sign, rate in zip(classes, rates, strict=True)
        }
        entry["absent_signs"] = [s for s, rate in entry["per_sign"].items() if rate is None]
        return entry

    def _of(self, signer: int) -> list[int]:
        return [i for i, other in enumerate(self.signers) if other == signer]

    def _confusions(self) -> list[list]:
        confusion = sum(confusion_matrix(a, self.labels) for a in self.log_probs)
        shares = (confusion / confusion.sum(dim=1, keepdim=True)).nan_to_num().fill_diagonal_(0)
        most = shares.flatten().argsort(descending=True, stable=True)[:_CONFUSIONS].tolist()
        cells = [divmod(cell, len(SIGNS)) for cell in most]
        return [[SIGNS[a], SIGNS[b], round(shares[a, b].item(), 4)] for a, b in cells]


def cross_validate(
    make_model: Callable[[], nn.Module],
    dataset: ASLDataset,
    *,
    protocol: str = "signer",
    seeds: Sequence[int] = (0,),
    folds: int = 5,
    calibrate: bool = False,
    workers: int = 1,
    resume_dir: str | os.PathLike | None = None,
    progress: bool = True,
    **training: Any,
) -> CrossValidation:
    """Tests on each fold a model trained on all others, so that every image is answered once.

    A seed fixes the folds (of ``"random"`` and ``"burst"``), the initial weights, the order of
    the images and the dropout. On a CPU results repeat exactly for the same number of `workers`.

    With `calibrate`, further models leave out two folds each; the temperature for a fold is fitted
    on the answers of these to the other fold. So neither a model nor a temperature has seen
    anything of the fold it is for; with F folds this trains F (F - 1) / 2 models more.

    Args:
        make_model: builds an untrained model, such as `ASLNet`: images (N, 3, S, S) →
            log-probabilities (N, 36). It is trained by `train_model`, or, if it has a method
            ``fit(train_data)`` like `NearestNeighbour`, by that.
        dataset: the images.
        protocol: what a fold is made of, see `asl.splits.make_folds`: ``"random"`` images,
            ``"burst"`` or ``"signer"``.
        seeds: one cross-validation for each.
        folds: number of folds; ``"signer"`` has one a signer.
        calibrate: fit temperatures; needs three folds or more.
        workers: processes, which share the CPU's cores out among them. 1 is this process; others
            must be able to import `make_model`, which a lambda or a class of a notebook is not,
            and a script must guard its call by ``if __name__ == "__main__":``.
        resume_dir: keep each finished model's answers in this folder, and read from it those that
            are there already: an interrupted call goes on where it stopped. Answers for other
            images, models, options or versions of torch are never mixed.
        progress: show a bar of finished models.
        **training: options of `train_model`, such as ``epochs=10``.

    Raises:
        ValueError: if an option is out of range, a file's name does not tell its signer, or
            `make_model` cannot be sent to other processes.
    """
    if not seeds or workers < 1:
        raise ValueError(
            f"expected at least one seed and one worker, found seeds={list(seeds)}, "
            f"workers={workers}"
        )
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

    answers: dict[Job, Tensor] = {}
    store = None if resume_dir is None else _Store(resume_dir, make_model, dataset, training)
    if store is not None:
        answers = store.read(jobs, fold_of)
    missing = [job for job in jobs if job not in answers]
    work = _Work(make_model, dataset, fold_of, training)
    finished = _run(work, missing, min(workers, len(missing) or 1))
    name = getattr(make_model, "__name__", "model")
    if progress and missing:
        finished = progress_bar(finished, f"{name}, {protocol} folds", len(missing))
    for job, log_probs in finished:
        answers[job] = log_probs
        if store is not None:
            store.write(job, fold_of[job[0]], log_probs)

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
    """Fits on the other folds, as answered by the models that saw neither them nor `fold`."""
    log_probs, actual = [], []
    for (of_seed, out), answer in answers.items():
        if of_seed == seed and len(out) == 2 and fold in out:
            in_either = torch.isin(fold_of, torch.tensor(out))
            other = fold_of[in_either] != fold
            log_probs.append(answer[other])
            actual.append(labels[in_either][other])
    return fit_temperature(torch.cat(log_probs), torch.cat(actual))


# --- training the models -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """All that a process needs to know to do any of the jobs."""

    make_model: Callable[[], nn.Module]
    dataset: ASLDataset
    fold_of: dict[int, Tensor]
    training: dict[str, Any]

    def do(self, job: Job) -> np.ndarray:
        """Trains the job's model and returns its answers (M, 36) for the folds left out."""
        seed, out = job
        left_out = torch.isin(self.fold_of[seed], torch.tensor(out))
        train = Subset(self.dataset, (~left_out).nonzero().flatten().tolist())
        test = Subset(self.dataset, left_out.nonzero().flatten().tolist())
        device = torch.device(self.training.get("device") or default_device())
        with seeded(seed, device):
            model = self.make_model()
        if hasattr(model, "fit"):
            model.fit(train)
        else:
            train_model(model, train, None, seed=seed, progress=False, **self.training)
        return predict_log_probs(model, test)[0].numpy()


_work_here: _Work | None = None  # of a worker process, which is sent its work once


def _run(work: _Work, jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Tensor]]:
    """Yields each job with its answers, in the order in which they finish."""
    if workers == 1:
        for job in jobs:
            yield job, torch.from_numpy(work.do(job))
        return
    try:
        # Pickled here, since torch would share the images through a file system often too small.
        packed = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            "expected make_model and the training options to be importable by other processes for "
            f"workers={workers}, found {work.make_model!r}: {error}. workers=1 takes anything."
        ) from error
    threads = max(1, torch.get_num_threads() // workers)
    # Spawned, not forked: a fork of a process in which torch has run threads may hang.
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
    torch.set_num_threads(threads)
    _work_here = pickle.loads(packed)


def _do(job: Job) -> np.ndarray:
    return _work_here.do(job)


# --- resuming ------------------------------------------------------------------------------------


class _Store:
    """A folder of finished answers, a file a job, named by all that they depend on."""

    def __init__(self, folder, make_model, dataset: ASLDataset, training: dict[str, Any]):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        options = sorted((key, _named(value)) for key, value in training.items())
        facts = (dataset.labels, _named(dataset.transform), _named(make_model), options)
        digest = hashlib.sha256(repr((*facts, torch.__version__)).encode())
        digest.update(dataset.images.numpy().tobytes())
        with seeded(0, torch.device("cpu")):
            model = make_model()
        digest.update(repr(model).encode())
        for tensor in model.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        if not hasattr(model, "fit"):
            # Two models may have the same layers and parameters, and still not be the same.
            answers = predict_log_probs(model, Subset(dataset, range(2)))[0]
            digest.update(repr([round(x, 2) for x in answers.flatten().tolist()]).encode())
        self.setting = digest

    def _path(self, job: Job, fold_of: Tensor) -> Path:
        seed, out = job
        digest = self.setting.copy()
        digest.update(torch.isin(fold_of, torch.tensor(out)).numpy().tobytes())
        return (
            self.folder
            / f"seed{seed}-without-{'-'.join(map(str, out))}-{digest.hexdigest()[:16]}.npy"
        )

    def read(self, jobs: Sequence[Job], fold_of: dict[int, Tensor]) -> dict[Job, Tensor]:
        found = {}
        for job in jobs:
            path = self._path(job, fold_of[job[0]])
            if path.exists():
                try:
                    found[job] = torch.from_numpy(np.load(path))
                except (ValueError, EOFError, OSError) as error:
                    warnings.warn(f"trains '{path}' again, unreadable: {error}", stacklevel=3)
        return found

    def write(self, job: Job, fold_of: Tensor, log_probs: Tensor) -> None:
        path = self._path(job, fold_of)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        with open(draft, "wb") as file:
            np.save(file, log_probs.numpy())
        os.replace(draft, path)  # an interruption leaves the whole file or none


def _named(value: Any) -> str:
    """Returns what a callable is called, without the address that its representation may hold."""
    return getattr(value, "__qualname__", None) or repr(value)


# --- small helpers -------------------------------------------------------------------------------


def _confidences(log_probs: Tensor, labels: Tensor) -> dict[str, Any]:
    """Returns what depends on the confidence of the answers (S, N, K)."""
    pooled = reliability(log_probs.flatten(0, 1), labels.repeat(len(log_probs)))
    bins = zip(
        pooled.counts.tolist(), pooled.confidence.tolist(), pooled.accuracy.tolist(), strict=True
    )
    selective = [selective_accuracy(answers, labels)[1] for answers in log_probs]
    at = [max(0, round(share * len(labels)) - 1) for share in _SHARES]
    return {
        "ece": _mean_sd([reliability(answers, labels).error for answers in log_probs]),
        "reliability": [[n, *_rounded((c, a))] for n, c, a in bins if n],
        "selective": [
            [share, round(mean(accuracy[i].item() for accuracy in selective), 4)]
            for share, i in zip(_SHARES, at, strict=True)
        ],
    }


def _mean_sd(values: Sequence[float]) -> dict[str, float | None]:
    sd = round(stdev(values), 4) if len(values) > 1 else None
    return {"mean": round(mean(values), 4), "sd": sd}


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in values]
