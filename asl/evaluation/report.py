"""The answers of a cross-validation, every figure computed from them, and recorded figures."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from asl.decoding import shown
from asl.evaluation.calibration import reliability, selective_accuracy
from asl.evaluation.metrics import (
    bootstrap_interval,
    confusion_matrix,
    group_accuracy,
    merge_look_alikes,
    per_class_accuracy,
)
from asl.files import CHECKOUT
from asl.signs import SHAPES, SIGNS

if TYPE_CHECKING:
    from pandas import DataFrame

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
        temperatures: float (S, F), each fitted without the fold that it serves. None without
            calibration.
        signers: the signer of each image, or None where the name does not tell.
        bursts: the burst of each image. None if a name does not tell.
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
        """The log-probabilities (S, N, 36), divided by the temperature of each image's fold."""
        if self.temperatures is None:
            raise ValueError("expected a cross-validation with calibrate=True, found one without")
        temperature = self.temperatures.gather(1, self.folds).unsqueeze(2)  # (S, N, 1)
        return torch.log_softmax(self.log_probs / temperature, dim=2)

    def scores(self) -> dict[str, Any]:
        """Computes every figure, for the 36 labels and for the 33 shapes.

        Accuracies and errors are shares from 0 to 1, rounded to four digits. A standard deviation
        (``sd``) is over seeds; a single seed has None. An ``interval`` holds 95 % of 2,000
        bootstrap draws of the accuracy averaged over seeds. They draw whole bursts, or single
        images if the names do not tell bursts. A sign without images has None and is listed as
        absent.

        Returns:
            ``labels_36`` and ``shapes_33``, each with ``accuracy``, ``signer_mean`` (in which each
            signer counts the same), ``worst_signer``, ``per_signer``, ``per_sign``,
            ``absent_signs``, ``ece`` (expected calibration error), ``reliability`` (count,
            confidence and accuracy of each bin that has answers) and ``selective`` (accuracy by the
            share of images answered). With temperatures, the last three come again as
            ``…_calibrated``. Then ``confusions``: actual sign, answer, and the share of the actual
            sign's images.
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
            | {"interval": _interval(correct.mean(dim=0), clusters)}
        }
        if None not in self.signers:
            runs = [group_accuracy(answers, labels, self.signers) for answers in log_probs]
            entry["signer_mean"] = _mean_sd([mean(a for a, _ in run.values()) for run in runs])
            per_signer: dict[int, dict[str, Any]] = {
                signer: {
                    "n": n,
                    **_mean_sd([run[signer][0] for run in runs]),
                    "absent_signs": len(classes) - len(set(labels[self._of(signer)].tolist())),
                }
                for signer, (_, n) in runs[0].items()
            }
            worst = min(per_signer, key=lambda signer: float(per_signer[signer]["mean"]))
            entry["worst_signer"] = {"signer": worst, **per_signer[worst]}
            entry["per_signer"] = {str(signer): row for signer, row in per_signer.items()}
        counts = [confusion_matrix(answers, labels, len(classes)) for answers in log_probs]
        confusion = torch.stack(counts).sum(dim=0)
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
        counts = [confusion_matrix(answers, self.labels) for answers in self.log_probs]
        confusion = torch.stack(counts).sum(dim=0)
        shares = (confusion / confusion.sum(dim=1, keepdim=True)).nan_to_num().fill_diagonal_(0)
        most = shares.flatten().argsort(descending=True, stable=True)[:_CONFUSIONS].tolist()
        cells = [divmod(cell, len(SIGNS)) for cell in most]
        return [[SIGNS[a], SIGNS[b], round(shares[a, b].item(), 4)] for a, b in cells]


def _confidences(log_probs: Tensor, labels: Tensor) -> dict[str, Any]:
    """Returns the figures that depend on the confidence of the answers (S, N, K)."""
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


def _interval(correct: Tensor, clusters: Sequence[Any]) -> list[float] | None:
    """Returns the bootstrap interval of an accuracy; None if one burst is all there is."""
    ends = bootstrap_interval(correct, clusters)
    return None if math.isnan(ends[0]) else _rounded(ends)


def _mean_sd(values: Sequence[float]) -> dict[str, float | None]:
    sd = round(stdev(values), 4) if len(values) > 1 else None
    return {"mean": round(mean(values), 4), "sd": sd}


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in values]


# --- recorded figures ----------------------------------------------------------------------------


def load_results(name: str) -> dict[str, Any]:
    """Reads figures that this project has recorded, with the command that repeats them.

    Args:
        name: of a file in the project's folder ``results``, without ``.json``.

    Raises:
        ValueError: if the file is damaged.
        FileNotFoundError: if there is none. Only the project's folder holds them, an installed
            wheel does not.
    """
    path = CHECKOUT / "results" / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(found.stem for found in path.parent.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"expected recorded results {name!r} in '{shown(path.parent)}', found: {shown(there)}. "
            "They come with the project's folder: install it in place, pip install -e FOLDER"
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected JSON in '{shown(path)}', found it damaged: {error}") from error


def score_table(rows: Mapping[Any, Any]) -> "DataFrame":
    """Puts figures into a table: shares in percent, with one decimal, and counts as whole numbers.

    Args:
        rows: name → a share from 0 to 1; or → a dict of shares, counts and intervals of shares,
            such as the parts of what `CrossValidation.scores` returns.
    """
    import pandas as pd  # 0.3 s that only this table needs to spend

    columns: dict[str, dict] = {}
    for name, row in rows.items():
        for key, value in (row if isinstance(row, Mapping) else {"share": row}).items():
            if value is not None:  # not measured
                heading = key if isinstance(value, int | str) else f"{key} (%)"
                columns.setdefault(heading, {})[name] = _in_percent(value)
    return pd.DataFrame(columns)


def _in_percent(value: Any) -> Any:
    if isinstance(value, int | str):
        return value
    if isinstance(value, list | tuple):
        return " to ".join(f"{100 * share:.1f}" for share in value)
    return round(100 * value, 1)
