"""Decides how often and where a picture is looked at, and joins what is seen.

If the classifier is certain after one crop, nothing else is done. Otherwise it reads a second crop,
and the joints are looked for at the place that the classifier's features point to. If no sign is
probable enough then, the joints are looked for once more, around those found first. If there is
still no such sign, the classifier reads a crop around the joints. If no joints are found, they are
looked for elsewhere: the hand may be turned too far, or the finder's second choice may be the right
one.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from asl.decoding import normalize
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.crops import NEAR, WIDE, cut
from asl.recognizer.joint_reader import JointReader, Look
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.pyramid import Pyramid
from asl.signs import ANSWERS

_CERTAIN = math.log(0.98)  # of left-out people, joints mend no surer answer
_SURE = math.log(0.8)  # a second look hardly ever mends a surer answer
A_HAND = 5.0  # log-odds where the classifier is certain: as where there are joints, in the median
_THERE = 1.0  # log-odds of joints: with less, it pays to look elsewhere
_SURELY_THERE = 3.0  # with less, a box round joints may be that of something else
_MAYBE = -4.0  # log-odds of a hand: with less, looking elsewhere finds none


class Reading(NamedTuple):
    """What both readers say of N hands.

    Attributes:
        log_probs: float (N, 36).
        evidence: float (N,), log-odds that they are hands.
        boxes: float (N, 3), of the hands that were read.
    """

    log_probs: Tensor
    evidence: Tensor
    boxes: Tensor


def near_crop(picture: Pyramid, box: Tensor, size: int) -> Tensor:
    """Cuts a box out: float (3, S, S), from 0 to 255."""
    return cut(picture, box, size, margin=NEAR)


def wide_crop(picture: Pyramid, box: Tensor, size: int) -> Tensor:
    """Cuts a box out, wider than `near_crop` and mirrored.

    A hand shape is the same sign on either hand, and the two readings make different errors.
    """
    return cut(picture, box, size, margin=WIDE).flip(2)


def two_crops(picture: Pyramid, box: Tensor, size: int) -> Tensor:
    """Cuts a box out in both ways: float (2, 3, S, S)."""
    return torch.stack([near_crop(picture, box, size), wide_crop(picture, box, size)])


def read_crops(
    classifier: nn.Module, crops: Tensor, *, with_features: bool = False
) -> tuple[Tensor, Tensor]:
    """Reads K crops of each picture, (N, K, 3, S, S), from 0 to 255.

    Returns:
        log_probs: float (N, 36), the mean answer
        features: float (N, F), of the first crop, by which a `JointReader` aims; (N, 0) if they are
            not asked for
    """
    flat = normalize(crops.flatten(0, 1))
    if with_features:
        assert isinstance(classifier, ASLMobileNet)  # no other has a reader of joints beside it
        features = classifier.features(flat)
        answers = classifier.answer(features)
        features = features.unflatten(0, crops.shape[:2])[:, 0]
    else:
        answers, features = classifier(flat), flat.new_zeros(len(crops), 0)
    return answers.unflatten(0, crops.shape[:2]).mean(dim=1).log_softmax(dim=1), features


def averaged(log_probs: Tensor, others: Tensor) -> Tensor:
    """Returns the mean of two answers of one reader, (N, 36) each."""
    return ((log_probs + others) / 2).log_softmax(dim=1)


def look(
    reader: JointReader,
    pictures: Sequence[Pyramid],
    places: Tensor,
    each: Callable[..., Iterable[Tensor]] = map,
) -> Look:
    """Looks for the joints of hands at places (N, 4), one in each of N pictures.

    Args:
        reader: whose network finds them.
        pictures, places: as `asl.recognizer.crops.cut` takes them.
        each: maps a function over both, as `map` does.
    """
    cut_out = partial(cut, size=reader.joints.image_size, margin=1)
    crops = torch.stack(list(each(cut_out, pictures, places.cpu()))).to(places.device)
    return reader(normalize(crops), places)


def joined(log_probs: Tensor, others: Tensor) -> Tensor:
    """Joins the answers of both readers, (N, 36) each; the second one's are weighted already."""
    return (log_probs + others).log_softmax(dim=1)


def certain(log_probs: Tensor) -> Tensor:
    """Tells for which of the classifier's answers (N, 36) nothing else need be asked: bool (N,)."""
    return merge_shapes(log_probs, ANSWERS).amax(dim=1) > _CERTAIN


def reading_of_certain(log_probs: Tensor, boxes: Tensor) -> Reading:
    """Returns what is read if the classifier is certain: as if the joints said the same."""
    evidence = torch.full_like(log_probs[:, 0], A_HAND)
    return Reading(joined(log_probs, log_probs), evidence, boxes.clone())


def unsure(log_probs: Tensor) -> Tensor:
    """Tells for which answers (N, 36) it pays to look again: bool (N,)."""
    return merge_shapes(log_probs, ANSWERS).amax(dim=1) < _SURE


def missed(evidence: Tensor, found: Tensor) -> Tensor:
    """Tells where it pays to look elsewhere: bool (N,).

    Args:
        evidence: float (N,), log-odds of a hand, from its joints.
        found: float (N,), the finder's log-odds of one.
    """
    return (evidence < _THERE) & (found > _MAYBE)


def read_again(
    classifier: nn.Module, size: int, pictures: Sequence[Pyramid], log_probs: Tensor, looked: Look
) -> Tensor:
    """Joins both readers' answers; if no sign is sure, the classifier reads round the joints first.

    Args:
        classifier, size: of an `asl.Recognizer`; the last is its image size.
        pictures: N.
        log_probs: float (N, 36), what the classifier answered before.
        looked: what was seen of the joints. Where they are not surely there, nothing is read again.

    Returns:
        float (N, 36), the answers
    """
    answers = joined(log_probs, looked.answers)
    crops = map(partial(two_crops, size=size), pictures, looked.boxes.cpu())
    again, _ = read_crops(classifier, torch.stack(list(crops)).to(log_probs.device))
    pays = unsure(answers) & (looked.present > _SURELY_THERE)
    both = joined(averaged(log_probs, again), looked.answers)
    return torch.where(pays.unsqueeze(1), both, answers)


def look_elsewhere(
    reader: JointReader,
    classifier: nn.Module,
    size: int,
    picture: Pyramid,
    boxes: Tensor,
    log_probs: Tensor,
    features: Tensor,
    before: Reading,
) -> Reading:
    """Looks for the joints of one picture's hand elsewhere, as there are none where it seems to be.

    It tries the same place, turned by a quarter to either side, and the finder's second choice,
    upright and turned. It looks twice at each. Where joints are most probable, the answer counts if
    they are more probable there than they were before.

    Args:
        reader, classifier, size: of an `asl.Recognizer`; the last is its image size.
        picture: to look at.
        boxes: float (2, 3), of the two places that are likeliest to hold a hand.
        log_probs: float (1, 36), the classifier's for the first of them.
        features: float (1, F), the classifier's for it.
        before: what was read there.
    """
    crops = two_crops(picture, boxes[1].cpu(), size)[None].to(features.device)
    other, others = read_crops(classifier, crops, with_features=True)
    first, second = reader.places(torch.cat([features, others]), boxes).unbind()
    places = torch.stack([*_turned(first), second, *_turned(second)])
    looks = look(reader, [picture] * 5, look(reader, [picture] * 5, places).places)
    best = looks.present.argmax().unsqueeze(0)
    found = Look(*(part.index_select(0, best) for part in looks))
    at_first = (best < 2).unsqueeze(1)
    answers = torch.where(at_first, log_probs, other)
    new = Reading(
        read_again(classifier, size, [picture], answers, found),
        found.present,
        torch.where(at_first, boxes[:1], boxes[1:]),
    )
    better = found.present > before.evidence
    return Reading(
        *(
            torch.where(better.view(-1, *[1] * (part.ndim - 1)), part, old)
            for part, old in zip(new, before, strict=True)
        )
    )


def _turned(place: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a place (4,) turned by a quarter to either side."""
    ahead, back = (torch.cat([place[:3], place[3:] + turn]) for turn in (math.pi / 2, -math.pi / 2))
    return ahead, back
