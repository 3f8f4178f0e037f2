"""Where joints are looked for, how often, and what is made of it.

They are first looked for where the other reader points. If no sign is sure after that, they are
looked for again, at the place that these joints give. If there are none, they are looked for
elsewhere: the hand may be turned too far, or the finder's second choice may be the right one.
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

_SURE = math.log(0.8)  # a second look hardly ever mends a surer answer
_THERE = 1.0  # log-odds of joints: with less, it pays to look elsewhere
_MAYBE = -4.0  # log-odds of a hand: with less, looking elsewhere finds none


class Reading(NamedTuple):
    """What both readers say of N hands.

    Attributes:
        log_probs: float (N, 36).
        present: float (N,), log-odds that there are joints where they were looked for.
        boxes: float (N, 3), of the hands that were read.
    """

    log_probs: Tensor
    present: Tensor
    boxes: Tensor


def two_crops(picture: Pyramid, box: Tensor, size: int) -> Tensor:
    """Cuts a box out twice, the second time wider and mirrored: float (2, 3, S, S), 0 to 255.

    A hand shape is the same sign on either hand, and the two readings make different errors.
    """
    near, wide = (cut(picture, box, size, margin=margin) for margin in (NEAR, WIDE))
    return torch.stack([near, wide.flip(2)])


def read_crops(
    classifier: nn.Module, crops: Tensor, *, with_features: bool = False
) -> tuple[Tensor, Tensor]:
    """Reads the two crops of each picture, (N, 2, 3, S, S).

    Returns:
        log_probs: float (N, 36), the mean answer
        features: float (N, F), of the nearer crop, by which a `JointReader` aims; (N, 0) if they
            are not asked for
    """
    flat = crops.flatten(0, 1)
    if with_features:
        assert isinstance(classifier, ASLMobileNet)  # no other has a reader of joints beside it
        features = classifier.features(flat)
        answers, features = classifier.answer(features), features.unflatten(0, (-1, 2))[:, 0]
    else:
        answers, features = classifier(flat), flat.new_zeros(len(crops), 0)
    return answers.unflatten(0, (-1, 2)).mean(dim=1).log_softmax(dim=1), features


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


def unsure(log_probs: Tensor) -> Tensor:
    """Tells for which answers (N, 36) it pays to look again: bool (N,)."""
    return merge_shapes(log_probs, ANSWERS).amax(dim=1) < _SURE


def missed(present: Tensor, evidence: Tensor) -> Tensor:
    """Tells where it pays to look elsewhere: bool (N,).

    Args:
        present: float (N,), log-odds that joints were found.
        evidence: float (N,), log-odds of a hand.
    """
    return (present < _THERE) & (evidence > _MAYBE)


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
    other, others = read_crops(classifier, normalize(crops), with_features=True)
    first, second = reader.places(torch.cat([features, others]), boxes).unbind()
    places = torch.stack([*_turned(first), second, *_turned(second)])
    looks = look(reader, [picture] * 5, look(reader, [picture] * 5, places).places)
    best = looks.present.argmax().unsqueeze(0)
    present, answers = (part.index_select(0, best) for part in (looks.present, looks.answers))
    at_first = (best < 2).unsqueeze(1)
    found = Reading(
        joined(torch.where(at_first, log_probs, other), answers),
        present,
        torch.where(at_first, boxes[:1], boxes[1:]),
    )
    better = present > before.present
    return Reading(
        *(
            torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old)
            for new, old in zip(found, before, strict=True)
        )
    )


def _turned(place: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a place (4,) turned by a quarter to either side."""
    ahead, back = (torch.cat([place[:3], place[3:] + turn]) for turn in (math.pi / 2, -math.pi / 2))
    return ahead, back
