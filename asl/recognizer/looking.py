"""Decides how often and where a picture is looked at, and joins what is seen.

If the classifier is certain after one crop, nothing else is done. Otherwise it reads a second crop,
and the joints are looked for at the place that the classifier's features point to. If no sign is
probable enough then, the joints are looked for once more, around those found first. If no joints
are found, they are looked for elsewhere: the hand may be turned too far, or the finder's second
choice may be the right one. If no sign is probable enough at the end, but the joints are surely
there, the classifier reads once more: two crops around the joints.
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
    """What is read of N hands.

    Attributes:
        log_probs: float (N, 36).
        evidence: float (N,), log-odds that they are hands.
        boxes: float (N, 3), of the hands that were read.
    """

    log_probs: Tensor
    evidence: Tensor
    boxes: Tensor


class Opinions(NamedTuple):
    """What both readers say of N hands so far.

    Attributes:
        crops: float (N, 36), log-probabilities from the classifier, which reads crops.
        joints: float (N, 36), log-probabilities from the joints, weighted, see `Look`.
        evidence: float (N,), log-odds that they are hands.
        boxes: float (N, 3), of the hands that were read.
        round_joints: float (N, 3), the squares around their joints.
    """

    crops: Tensor
    joints: Tensor
    evidence: Tensor
    boxes: Tensor
    round_joints: Tensor

    @property
    def log_probs(self) -> Tensor:
        """Both answers joined, float (N, 36)."""
        return (self.crops + self.joints).log_softmax(dim=1)

    def reading(self) -> Reading:
        """Returns what is made of both."""
        return Reading(self.log_probs, self.evidence, self.boxes)

    def after(self, looked: Look) -> "Opinions":
        """Returns the same with what the joints say after another look."""
        return self._replace(
            joints=looked.answers, evidence=looked.present, round_joints=looked.boxes
        )


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


def certain(log_probs: Tensor) -> Tensor:
    """Tells for which of the classifier's answers (N, 36) nothing else need be asked: bool (N,)."""
    return merge_shapes(log_probs, ANSWERS).amax(dim=1) > _CERTAIN


def opinions_of_certain(log_probs: Tensor, boxes: Tensor) -> Opinions:
    """Returns what counts if the classifier is certain: as if the joints said the same."""
    evidence = torch.full_like(log_probs[:, 0], A_HAND)
    return Opinions(log_probs, log_probs.clone(), evidence, boxes.clone(), boxes.clone())


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


def worth_reading_again(opinions: Opinions) -> Tensor:
    """Returns where it pays to read crops around the joints: bool (N,)."""
    return unsure(opinions.log_probs) & (opinions.evidence > _SURELY_THERE)


def read_again(
    classifier: nn.Module,
    size: int,
    pictures: Sequence[Pyramid],
    opinions: Opinions,
    each: Callable[..., Iterable[Tensor]] = map,
) -> Opinions:
    """Reads crops around the joints of N hands, and averages the classifier's answers.

    Args:
        classifier, size: of an `asl.Recognizer`; the last is its image size.
        pictures: N.
        opinions: of the hands in them.
        each: maps a function over both, as `map` does.
    """
    boxes = opinions.round_joints
    crops = torch.stack(list(each(partial(two_crops, size=size), pictures, boxes.cpu())))
    again, _ = read_crops(classifier, crops.to(boxes.device))
    return opinions._replace(crops=averaged(opinions.crops, again))


def look_elsewhere(
    reader: JointReader,
    classifier: nn.Module,
    size: int,
    picture: Pyramid,
    boxes: Tensor,
    features: Tensor,
    before: Opinions,
) -> Opinions:
    """Looks for the joints of one picture's hand elsewhere, as there are none where it seems to be.

    It tries the same place, turned by a quarter to either side, and the finder's second choice,
    upright and turned. It looks twice at each. Where joints are most probable, the answer counts if
    they are more probable there than they were before.

    Args:
        reader, classifier, size: of an `asl.Recognizer`; the last is its image size.
        picture: to look at.
        boxes: float (2, 3), of the two places that are likeliest to hold a hand.
        features: float (1, F), the classifier's for the first of them.
        before: of one hand, what was read there.
    """
    crops = two_crops(picture, boxes[1].cpu(), size)[None].to(features.device)
    other, others = read_crops(classifier, crops, with_features=True)
    first, second = reader.places(torch.cat([features, others]), boxes).unbind()
    places = torch.stack([*_turned(first), second, *_turned(second)])
    looks = look(reader, [picture] * 5, look(reader, [picture] * 5, places).places)
    best = looks.present.argmax().unsqueeze(0)
    found = Look(*(part.index_select(0, best) for part in looks))
    at_first = (best < 2).unsqueeze(1)
    new = Opinions(
        crops=torch.where(at_first, before.crops, other),
        joints=found.answers,
        evidence=found.present,
        boxes=torch.where(at_first, boxes[:1], boxes[1:]),
        round_joints=found.boxes,
    )
    better = new.evidence > before.evidence
    return Opinions(
        *(
            torch.where(better.view(-1, *[1] * (part.ndim - 1)), part, old)
            for part, old in zip(new, before, strict=True)
        )
    )


def _turned(place: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a place (4,) turned by a quarter to either side."""
    ahead, back = (torch.cat([place[:3], place[3:] + turn]) for turn in (math.pi / 2, -math.pi / 2))
    return ahead, back
