"""A picture's way through a recogniser: from pixels to calibrated confidence, in tensors only.

`asl.Recognizer` takes these steps for many pictures at once. `RecognizerGraph` takes them for one,
as a module that `asl.recognizer.export` writes to a file. Nothing else cuts out a hand, merges
answers or calibrates them.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.decoding import normalize
from asl.evaluation.calibration import apply_temperature
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.crops import NEAR, WIDE, cut, window
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.joint_reader import JointReader, Look
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.pyramid import Pyramid
from asl.signs import ANSWERS

_HALF = (0.03, 1.0)  # smallest and largest box: no hand is larger than its picture
_SURE = math.log(0.8)  # a second look hardly ever mends a surer answer
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
        boxes, evidence, hands = find_hands(self.finder, normalize(view[None]))
        crops = two_crops(picture, boxes[0], self.image_size)
        log_probs, features = read_crops(
            self.classifier,
            normalize(crops[None]),
            with_features=self.joint_reader is not None,
        )
        if (reader := self.joint_reader) is not None:
            first = look(reader, picture, reader.places(features, boxes))
            log_probs = self._look_again(picture, log_probs, first)
        return Answer(
            confidence=confidence_of(log_probs, evidence, self.temperature)[0],
            log_probs=log_probs[0],
            box=edges(boxes[0], pixels.shape[0], pixels.shape[1]),
            hand=evidence[0].sigmoid(),
            hands=hands[0],
        )

    def _look_again(self, picture: Pyramid, log_probs: Tensor, first: Look) -> Tensor:
        """Joins both readers' answers; looks for the joints once more if these are not sure."""
        assert self.joint_reader is not None
        once = joined(log_probs, first.answers)
        if torch.compiler.is_exporting():  # a file holds both ways, which take and return tensors
            assert picture.atlas is not None
            given = picture.frame, picture.atlas, log_probs, first.places, once
            return torch.cond(unsure(once)[0], self._again, _enough, given)
        if not unsure(once)[0]:
            return once
        return joined(log_probs, look(self.joint_reader, picture, first.places).answers)

    def _again(
        self, pixels: Tensor, atlas: Tensor, log_probs: Tensor, places: Tensor, once: Tensor
    ) -> Tensor:
        assert self.joint_reader is not None
        return joined(log_probs, look(self.joint_reader, Pyramid(pixels, atlas), places).answers)


def _enough(
    pixels: Tensor, atlas: Tensor, log_probs: Tensor, places: Tensor, once: Tensor
) -> Tensor:
    return once.clone()


def look(reader: JointReader, picture: Pyramid, places: Tensor) -> Look:
    """Looks for the joints of the hand in one picture, at places (1, 4)."""
    crop = cut(picture, places[0], reader.joints.image_size, margin=1)
    return reader(normalize(crop[None]), places)


def unsure(log_probs: Tensor) -> Tensor:
    """Tells for which answers (N, 36) it pays to look again: bool (N,)."""
    return merge_shapes(log_probs, ANSWERS).amax(dim=1) < _SURE


def whole_view(picture: Pyramid, size: int) -> Tensor:
    """Shrinks a picture into the middle of a black square: float (3, size, size)."""
    whole = torch.tensor([0.0, 0.0, 1.0], device=picture.frame.device)
    return cut(picture, whole, size, margin=1)


def find_hands(finder: HandFinder, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Finds the surest hand in each view.

    Args:
        finder: the network.
        views: normalised float (N, 3, S, S).

    Returns:
        boxes: float (N, 3), as in `asl.recognizer.crops`; each has a sensible size and its middle
            lies in the picture, whatever the network says
        evidence: float (N,), log-odds that this is a hand
        hands: int64 (N,), how many hands are more likely than not
    """
    boxes, evidence = finder(views)
    best = F.max_pool2d(evidence[:, None], _APART, stride=1, padding=_APART // 2)[:, 0]
    hands = ((evidence == best) & (evidence > 0)).sum(dim=(1, 2))
    evidence, cell = evidence.flatten(1).max(dim=1)
    boxes = boxes.flatten(2).gather(2, cell.view(-1, 1, 1).expand(-1, 3, 1))[..., 0].nan_to_num()
    boxes = torch.cat([boxes[:, :2].clamp(-1, 1), boxes[:, 2:].clamp(*_HALF)], dim=1)
    return boxes, evidence, hands


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


def joined(log_probs: Tensor, others: Tensor) -> Tensor:
    """Joins the answers of both readers, (N, 36) each; the second one's are weighted already."""
    return (log_probs + others).log_softmax(dim=1)


def confidence_of(log_probs: Tensor, evidence: Tensor, temperature: float) -> Tensor:
    """Returns the probability of each of `asl.signs.ANSWERS`, (N, 32), from (N, 36) and (N,)."""
    answers = apply_temperature(merge_shapes(log_probs, ANSWERS), temperature)
    return answers.exp() * evidence.sigmoid().unsqueeze(1)


def edges(box: Tensor, height: int, width: int) -> Tensor:
    """Returns left, top, right and bottom of the wider crop of a box (3,), in pixels, (4,)."""
    x, y, reach = window(box, height, width, WIDE)
    return torch.stack([x - reach, y - reach, x + reach, y + reach])
