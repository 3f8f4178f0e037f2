"""All steps of a recogniser on one picture: from pixels to calibrated confidence, in tensors only.

`asl.Recognizer` takes these steps for many pictures at once. `RecognizerGraph` takes them for one,
as a module that `asl.recognizer.export` writes to a file. Nothing else cuts out a hand, merges
answers or calibrates them.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.decoding import normalize
from asl.evaluation.calibration import apply_temperature
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.crops import WIDE, bounded, cut, window
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.joint_reader import JointReader
from asl.recognizer.looking import (
    Opinions,
    Reading,
    averaged,
    certain,
    look,
    look_elsewhere,
    missed,
    near_crop,
    opinions_of_certain,
    read_again,
    read_crops,
    two_crops,
    unsure,
    wide_crop,
    worth_reading_again,
)
from asl.recognizer.pyramid import Pyramid
from asl.signs import ANSWERS

_APART = 5  # cells: two hands are at least half as far from each other


class Answer(NamedTuple):
    """What a recogniser answers for one picture. The names are those of an exported file's outputs.

    Attributes:
        confidence: float (32,), the probability of each of `asl.signs.ANSWERS`. The rest, up to 1,
            is the probability that there is no hand.
        log_probs: float (36,), of each sign if there is a hand; not calibrated.
        box: float (4,): left, top, right and bottom of what was read, in pixels of the picture.
        hand: float (), the probability that there is a hand.
        hands: int64 (), how many hands were seen.
    """

    confidence: Tensor
    log_probs: Tensor
    box: Tensor
    hand: Tensor
    hands: Tensor


class RecognizerGraph(nn.Module):
    """Pixels of one picture, uint8 (H, W, 3) of any size → `Answer`."""

    def __init__(
        self,
        finder: HandFinder,
        classifier: nn.Module,
        joint_reader: JointReader | None,
        image_size: int,
        temperature: float,
    ):
        """Takes the parts of an `asl.Recognizer`."""
        super().__init__()
        self.finder, self.classifier, self.joint_reader = finder, classifier, joint_reader
        self.image_size, self.temperature = image_size, temperature

    def forward(self, pixels: Tensor) -> Answer:
        picture = Pyramid(pixels)
        view = whole_view(picture, self.finder.image_size)
        boxes, found, hands = find_hands(self.finder, normalize(view[None]))
        if self.joint_reader is None:
            crops = two_crops(picture, boxes[0, 0], self.image_size)
            log_probs, _ = read_crops(self.classifier, crops[None])
            reading = Reading(log_probs, found, boxes[:, 0])
        else:
            reading = self._read(picture, boxes, found)
        return Answer(
            confidence=confidence_of(reading.log_probs, reading.evidence, self.temperature)[0],
            log_probs=reading.log_probs[0],
            box=edges(reading.boxes[0], pixels.shape[0], pixels.shape[1]),
            hand=reading.evidence[0].sigmoid(),
            hands=hands[0],
        )

    def _read(self, picture: Pyramid, boxes: Tensor, found: Tensor) -> Reading:
        """Reads one crop; if that is not enough, another, and the joints, as often as it pays."""
        reader, classifier, size = self.joint_reader, self.classifier, self.image_size
        assert reader is not None

        def on(picture: Pyramid, near: Tensor, features: Tensor, boxes: Tensor, *_: Tensor):
            crop = wide_crop(picture, boxes[0], size)
            log_probs = averaged(near, read_crops(classifier, crop[None, None])[0])
            looked = look(reader, [picture], reader.places(features, boxes))
            opinions = Opinions(log_probs, looked.answers, looked.present, boxes, looked.boxes)
            return looked.places, *opinions

        def again(picture: Pyramid, places: Tensor, *once: Tensor):
            return Opinions(*once).after(look(reader, [picture], places))

        def elsewhere(picture: Pyramid, boxes: Tensor, features: Tensor, *before: Tensor):
            given = boxes[0], features, Opinions(*before)
            return look_elsewhere(reader, classifier, size, picture, *given)

        def once_more(picture: Pyramid, *before: Tensor):
            return read_again(classifier, size, [picture], Opinions(*before))

        first = boxes[:, 0]
        crop = near_crop(picture, first[0], size)
        near, features = read_crops(classifier, crop[None, None], with_features=True)
        nowhere = torch.zeros_like(torch.cat([first, first[:, :1]], dim=1))
        done = nowhere, *opinions_of_certain(near, first)
        going_on = ~certain(near)[0]
        places, *once = _only_if(going_on, on, picture, (near, features, first), done)
        opinions = Opinions(*once)
        doubtful = unsure(opinions.log_probs)[0]
        opinions = Opinions(*_only_if(doubtful, again, picture, (places,), opinions))
        lost = missed(opinions.evidence, found)[0]
        given = boxes, features
        opinions = Opinions(*_only_if(lost, elsewhere, picture, given, opinions))
        pays = worth_reading_again(opinions)[0]
        return Opinions(*_only_if(pays, once_more, picture, (), opinions)).reading()


def _only_if(
    condition: Tensor,
    step: Callable[..., tuple[Tensor, ...]],
    picture: Pyramid,
    given: tuple[Tensor, ...],
    otherwise: tuple[Tensor, ...],
) -> tuple[Tensor, ...]:
    """Takes a step with a picture, what is given and what it replaces, or returns the latter."""
    given += otherwise
    if not torch.compiler.is_exporting():
        return step(picture, *given) if condition else otherwise
    # A file holds both ways, which take and return tensors.
    assert picture.atlas is not None

    def taken(frame: Tensor, atlas: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(_copied, step(Pyramid(frame, atlas), *given)))

    def passed(frame: Tensor, atlas: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(_copied, given[-len(otherwise) :]))

    return torch.cond(condition, taken, passed, (picture.frame, picture.atlas, *given))


def _copied(part: Tensor) -> Tensor:
    """Both ways must return tensors of their own, whose numbers lie next to each other."""
    return part.flatten().clone().view(part.shape)


def whole_view(picture: Pyramid, size: int) -> Tensor:
    """Shrinks a picture into the middle of a black square: float (3, size, size)."""
    whole = torch.tensor([0.0, 0.0, 1.0], device=picture.frame.device)
    return cut(picture, whole, size, margin=1)


def find_hands(finder: HandFinder, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Finds the surest two hands in each view.

    Args:
        finder: the network.
        views: normalised float (N, 3, S, S).

    Returns:
        boxes: float (N, 2, 3), of the surest and the second hand, as in `asl.recognizer.crops`;
            each has a sensible size and its middle lies in the picture, whatever the network says
        evidence: float (N,), log-odds that the surest is a hand
        hands: int64 (N,), how many hands are more likely than not
    """
    boxes, evidence = finder(views)
    best = F.max_pool2d(evidence[:, None], _APART, stride=1, padding=_APART // 2)[:, 0]
    peaks = evidence == best
    hands = (peaks & (evidence > 0)).sum(dim=(1, 2))
    cells = evidence.masked_fill(~peaks, -math.inf).flatten(1).topk(2, dim=1).indices
    boxes = boxes.flatten(2).gather(2, cells.unsqueeze(1).expand(-1, 3, -1)).transpose(1, 2)
    return bounded(boxes), evidence.flatten(1).amax(dim=1), hands


def confidence_of(log_probs: Tensor, evidence: Tensor, temperature: float) -> Tensor:
    """Returns the probability of each of `asl.signs.ANSWERS`, (N, 32), from (N, 36) and (N,)."""
    answers = apply_temperature(merge_shapes(log_probs, ANSWERS), temperature)
    return answers.exp() * evidence.sigmoid().unsqueeze(1)


def edges(box: Tensor, height: int, width: int) -> Tensor:
    """Returns left, top, right and bottom of the wider crop of a box (3,), in pixels, (4,)."""
    x, y, reach = window(box, height, width, WIDE)
    return torch.stack([x - reach, y - reach, x + reach, y + reach])
