"""Which labels are probably wrong? Ranks images by how unlikely a model finds their sign.

The model must not have been trained on the image, nor on its near-copies. The frames of a burst are
filed together: if one lies in the wrong folder, usually all do, and a model that has seen four of
them confirms the fifth.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor, nn

from asl.data import ASLDataset
from asl.evaluation.cross_validation import cross_validate
from asl.evaluation.metrics import check_answers, merge_look_alikes
from asl.evaluation.report import CrossValidation
from asl.models import ASLNet
from asl.signs import SHAPES, SIGNS

if TYPE_CHECKING:
    from pandas import DataFrame


class LabelIssues(NamedTuple):
    """A ranking of N labels, the most suspicious first; see `find_label_issues`.

    Attributes:
        order: int64 (N,), indices of images.
        scores: float (N,), in that order: the probability of the given sign's shape. Low is
            suspicious.
        suspected: int64 (N,), in that order: the most probable shape, of `asl.signs.SHAPES`.
    """

    order: Tensor
    scores: Tensor
    suspected: Tensor


def find_label_issues(labels: Tensor, log_probs: Tensor) -> LabelIssues:
    """Ranks labels by self-confidence: the probability that a model gives to the given label.

    Look-alikes are merged first; otherwise they would fill the list. On planted errors the ranking
    is as good as that of cleanlab's `find_label_issues` (`benchmarks/planted_errors.py`).

    Args:
        labels: int64 (N,), as given.
        log_probs: float (N, 36), or (N, 33) if look-alikes are merged already, from models that
            were not trained on the image.

    Raises:
        ValueError: as `check_answers`, or if there are neither 36 labels nor 33 shapes.
    """
    log_probs, labels = check_answers(log_probs, labels)
    if log_probs.shape[1] == len(SIGNS):
        log_probs, labels = merge_look_alikes(log_probs, labels)
    elif log_probs.shape[1] != len(SHAPES):
        raise ValueError(
            f"expected log-probabilities over {len(SIGNS)} labels or {len(SHAPES)} shapes, found "
            f"{log_probs.shape[1]}"
        )
    scores = log_probs.gather(1, labels.unsqueeze(1)).squeeze(1)
    order = scores.argsort(stable=True)
    return LabelIssues(order, scores[order].exp(), log_probs.argmax(dim=1)[order])


def audit_dataset(
    data_dir: str | os.PathLike | ASLDataset,
    *,
    make_model: Callable[[], nn.Module] = ASLNet,
    protocol: str = "burst",
    seeds: Sequence[int] = (0, 1, 2),
    answers: CrossValidation | None = None,
    progress: bool = True,
    **options: Any,
) -> "DataFrame":
    """Ranks all images of a folder by how likely their sign is to be wrong.

    It trains models by `cross_validate`, averages their answers over seeds, and ranks the images by
    `find_label_issues`. A high rank is a reason to look at the picture, not a verdict.

    Args:
        data_dir: as in `ASLDataset`, or a dataset.
        make_model: see `cross_validate`.
        protocol: see `cross_validate`. If file names do not tell bursts, only ``"random"`` works.
            It misses errors that near-copies share.
        seeds: see `cross_validate`. Several make the ranking steadier.
        answers: of a cross-validation of these images, to rank by instead of training again.
        progress: show bars.
        **options: further options of `cross_validate`, such as ``epochs=10``.

    Returns:
        A pandas DataFrame, the most suspicious image first: ``file``, ``given`` and ``suspected``
        shape, ``score`` (probability of the given one, 0 to 1). Look-alikes are one shape.

    Raises:
        DatasetError: as `ASLDataset`.
        ValueError: as `cross_validate`, or if `answers` belong to other images.
    """
    import pandas as pd  # 0.3 s that only this table needs to spend

    if isinstance(data_dir, ASLDataset):
        dataset = data_dir
    else:
        dataset = ASLDataset(data_dir, progress=progress)
    result = answers or cross_validate(
        make_model, dataset, protocol=protocol, seeds=seeds, progress=progress, **options
    )
    if result.labels.tolist() != dataset.labels:
        raise ValueError(
            f"expected answers for the {len(dataset)} images and labels of this dataset, found "
            f"{len(result.labels)} of others"
        )
    log_probs = result.log_probs.exp().mean(dim=0).log()
    order, scores, suspected = find_label_issues(result.labels, log_probs)
    shape_of = merge_look_alikes(log_probs, result.labels)[1]
    return pd.DataFrame(
        {
            "file": [dataset.image_files[i] for i in order.tolist()],
            "given": [SHAPES[shape_of[i]] for i in order.tolist()],
            "suspected": [SHAPES[shape] for shape in suspected.tolist()],
            "score": scores.tolist(),
        }
    )
