"""From a picture to ranked hand shapes, or to the answer that none can be recognised.

`Recognizer` finds the hand, cuts it out, classifies it and says how sure it is. It is trained by
`asl.recognizer.train`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from asl.decoding import IMAGENET_MEAN, IMAGENET_STD, normalize
from asl.devices import autocast, fast_in_bfloat16, usable_device
from asl.evaluation.calibration import apply_temperature
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.checked_weights import SIZES, check_tensors, number, text, whole_number
from asl.recognizer.crops import Picture, crop, square, to_frame
from asl.recognizer.mobile_net import MOBILE_SIZE
from asl.recognizer.networks import ARCHITECTURES, HandFinder
from asl.signs import SHAPES, SIGNS
from asl.tensor_files import RECOGNIZER, read_tensors, write_tensors

SHIPPED_WEIGHTS = Path(__file__).with_name("recognizer.safetensors")
_BATCH = 64  # pictures at once: bounds the memory
_READ_AT_ONCE = 16  # crops at once: more do not fit a CPU's caches
_TEMPERATURES = (0.05, 20)  # those that `fit_temperature` finds
_HALF = (0.05, 0.95)  # smallest and largest box: no hand is larger than its picture
_CONVENTIONS = {  # what numbers in and out mean, written beside the weights
    "classes": list(SIGNS),
    "mean": list(IMAGENET_MEAN),
    "std": list(IMAGENET_STD),
}

Answers = list[tuple[str | None, float]]


@dataclass(frozen=True)
class Sight:
    """What a recogniser saw in one picture.

    Attributes:
        frame: the whole picture, upright RGB.
        box: (x, y, half) of the hand in the square that `crops.square` makes of the frame.
        crop: what the classifier was shown, RGB.
        hand: probability that there is a hand, from 0 to 1.
        log_probs: float (36,), one for each label if there is a hand; not calibrated.
        answers: what calling the recogniser returns.
    """

    frame: Image.Image
    box: tuple[float, float, float]
    crop: Image.Image
    hand: float
    log_probs: Tensor
    answers: Answers


class _Batch(NamedTuple):
    """What was seen in N pictures; `boxes` to `log_probs` as in `Sight`, before calibration."""

    frames: list[Image.Image]
    boxes: Tensor  # (N, 3)
    evidence: Tensor  # (N,), log-odds of a hand
    crops: list[Image.Image]
    log_probs: Tensor  # (N, 36)


@dataclass
class Recognizer:
    """Reads the hand shape in a picture: ``recognizer(picture)`` → ``[("a", 0.93), …]``.

    Attributes:
        finder: pictures (N, 3, H, H) → boxes and evidence, see `asl.HandFinder`.
        classifier: crops (N, 3, S, S) → log-probabilities (N, 36).
        architecture: the classifier's name in `asl.recognizer.networks.ARCHITECTURES`.
        image_size: side of the crops that the classifier reads, in pixels.
        temperature: divides its log-probabilities, see `asl.fit_temperature`.
        threshold: the confidence below which the answer is that no sign is recognised.
        facts: how it was trained and what was measured, for people to read. Anything that JSON can
            hold.
    """

    finder: HandFinder
    classifier: nn.Module
    architecture: str
    image_size: int
    temperature: float = 1.0
    threshold: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, architecture: str = "mobile", image_size: int = MOBILE_SIZE) -> "Recognizer":
        """Returns an untrained recogniser. The global generator draws its weights.

        Raises:
            ValueError: if the architecture is unknown or the size does not fit it.
        """
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"expected an architecture of {', '.join(ARCHITECTURES)}, found {architecture!r}"
            )
        classifier = ARCHITECTURES[architecture](image_size=image_size)
        return cls(HandFinder().eval(), classifier.eval(), architecture, image_size)

    @classmethod
    def load(
        cls, weights: str | os.PathLike | None = None, *, device: torch.device | str = "cpu"
    ) -> "Recognizer":
        """Reads a recogniser from a file, or the one that ships with the project.

        The file holds only numbers and text. Loading changes no setting of the process.

        Args:
            weights: a file that `save` wrote. None takes the recogniser that ships.
            device: where to compute. A CPU is as fast for single pictures.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if this machine lacks the device, or if the file is damaged, was changed
                since it was written, or holds no recogniser of this version.
        """
        device = usable_device(device)
        path = Path(SHIPPED_WEIGHTS if weights is None else weights)
        tensors, facts = read_tensors(path, format=RECOGNIZER)
        try:
            for name, ours in _CONVENTIONS.items():
                if facts.get(name) != ours:
                    raise ValueError(f"expected {name} {ours}, found {facts.get(name)!r:.60}")
            shape = text(facts, "architecture"), whole_number(facts, "image_size", *SIZES)
            with torch.device("meta"):  # takes no memory: nothing is built for a false claim
                check_tensors(cls.create(*shape)._both(), tensors)
            recognizer = cls.create(*shape)
            recognizer._both().load_state_dict(tensors)
            recognizer._both().to(device).eval()
            recognizer.temperature = number(facts, "temperature", *_TEMPERATURES)
            recognizer.threshold = number(facts, "threshold", 0, 1)
            recognizer.facts = facts["facts"]
            if not isinstance(recognizer.facts, dict):
                raise ValueError(f"expected facts by name, found {recognizer.facts!r:.60}")
        except (KeyError, ValueError) as error:
            raise ValueError(f"'{path}' holds no recogniser of this version: {error}") from error
        return recognizer

    def save(self, path: str | os.PathLike) -> None:
        """Writes everything to one file, which appears whole or not at all.

        Parameters are written in half precision: the file is half as large, and the answers hardly
        differ.
        """
        learnt = {name for name, _ in self._both().named_parameters()}
        tensors = {
            name: tensor.half() if name in learnt else tensor
            for name, tensor in self._both().state_dict().items()
        }
        facts = {
            "architecture": self.architecture,
            "image_size": self.image_size,
            **_CONVENTIONS,
            "temperature": self.temperature,
            "threshold": self.threshold,
            "facts": self.facts,
        }
        write_tensors(path, tensors, facts, format=RECOGNIZER)

    def _both(self) -> nn.ModuleDict:
        return nn.ModuleDict({"finder": self.finder, "classifier": self.classifier})

    def __call__(self, image: Picture | Sequence[Picture], top: int = 3) -> Answers | list[Answers]:
        """Ranks the hand shapes in a picture, or in each of a list.

        Args:
            image: a path, a PIL image, an array (H, W), (H, W, 3) or (H, W, 4), or a tensor
                (3, H, W) or (1, H, W): uint8, or float from 0 to 1, RGB. OpenCV's arrays are BGR:
                ``frame[..., ::-1]`` turns them. Or a list of pictures.
            top: how many answers to give, at most 33.

        Returns:
            (sign, probability) pairs, the most probable first. Signs that look alike are one
            answer, such as ``"0 or o"``. If no sign is confident enough, the first pair is
            ``(None, p)``: p is the probability that the best sign, which comes second, is wrong. A
            list of pictures gives a list of such lists.

        Raises:
            OSError: if a path cannot be read as an image.
            ValueError: if a picture or `top` is not as described.
        """
        if isinstance(image, list | tuple):
            return [sight.answers for sight in self.look(image, top)]
        return self.look([cast(Picture, image)], top)[0].answers

    def look(self, images: Sequence[Picture], top: int = 3) -> list[Sight]:
        """Returns what is seen in each picture. Arguments and errors are those of a call."""
        if not 1 <= top <= len(SHAPES):
            raise ValueError(f"expected top from 1 to {len(SHAPES)}, found {top}")
        sights = []
        for batch in self._see(images):
            confidence = self.confidence(batch.log_probs, batch.evidence)
            for i, frame in enumerate(batch.frames):
                x, y, half = batch.boxes[i].tolist()
                sights.append(
                    Sight(
                        frame=frame,
                        box=(x, y, half),
                        crop=batch.crops[i],
                        hand=batch.evidence[i].sigmoid().item(),
                        log_probs=batch.log_probs[i],
                        answers=self._rank(confidence[i], top),
                    )
                )
        return sights

    def raw_answers(self, images: Sequence[Picture]) -> tuple[Tensor, Tensor]:
        """Returns answers before calibration, to evaluate or to calibrate with.

        Args:
            images: at least one picture, as in a call.

        Returns:
            log_probs: float (N, 36), of the classifier
            evidence: float (N,), log-odds of a hand, of the finder
        """
        seen = list(self._see(images))
        log_probs = torch.cat([batch.log_probs for batch in seen])
        return log_probs, torch.cat([batch.evidence for batch in seen])

    def confidence(self, log_probs: Tensor, evidence: Tensor) -> Tensor:
        """Returns the probability of each shape, (N, 33), from raw answers.

        A row sums to less than 1. The rest is the probability that there is no hand.
        """
        shapes = merge_shapes(apply_temperature(log_probs, self.temperature)).exp()
        return shapes * evidence.sigmoid().unsqueeze(1)

    @torch.inference_mode()
    def _see(self, images: Sequence[Picture]) -> Iterator[_Batch]:
        """Finds and reads the hands in pictures, some of them at a time."""
        device = next(self.finder.parameters()).device
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # Pillow works outside Python's lock
            each: Callable = threads.map if len(images) > 1 else map
            for start in range(0, len(images), _BATCH):
                frames = list(each(to_frame, images[start : start + _BATCH]))
                framed = list(each(partial(square, size=self.finder.image_size), frames))
                with autocast(device, fast_in_bfloat16(device)):
                    found = find_either_hand(self.finder, _stacked(framed, device))
                boxes, evidence = (part.cpu() for part in found)
                # Whatever the finder says, a crop has a sensible size and lies in the picture.
                boxes = torch.cat([boxes[:, :2].clamp(-1, 1), boxes[:, 2:].clamp(*_HALF)], dim=1)
                crops = list(each(partial(crop, size=self.image_size), frames, boxes.tolist()))
                with autocast(device, fast_in_bfloat16(device)):
                    parts = [
                        read_as_either_hand(self.classifier, part)
                        for part in _stacked(crops, device).split(_READ_AT_ONCE)
                    ]
                yield _Batch(frames, boxes, evidence, crops, torch.cat(parts).cpu())

    def _rank(self, confidence: Tensor, top: int) -> Answers:
        """Returns the answers for one picture from the confidence of each shape (33,)."""
        if not torch.isfinite(confidence).all():
            return [(None, 1.0)]  # a network that went wrong has no answer
        best = confidence.topk(top)
        ranked = [
            (SHAPES[shape].replace("/", " or "), probability)
            for shape, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
        highest = ranked[0][1]
        if highest < self.threshold:
            ranked = [(None, 1 - highest), *ranked][:top]
        return ranked


def find_either_hand(finder: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Finds hands in pictures (N, 3, H, H) and in their mirror images, and averages the answers.

    Returns:
        boxes: float (N, 3); the two sizes are averaged geometrically
        evidence: float (N,)
    """
    boxes, evidence = finder(torch.cat([pictures, pictures.flip(3)]))
    here, there = boxes.reshape(2, -1, 3).unbind()
    x, y = (here[:, 0] - there[:, 0]) / 2, (here[:, 1] + there[:, 1]) / 2
    half = (here[:, 2] * there[:, 2]).sqrt()
    return torch.stack([x, y, half], dim=1), evidence.reshape(2, -1).mean(dim=0)


def read_as_either_hand(classifier: nn.Module, crops: Tensor) -> Tensor:
    """Reads crops (N, 3, S, S) as they are and mirrored, and returns the mean answer, (N, 36).

    A hand shape is the same sign on either hand, and the two readings make different errors.
    """
    both = classifier(torch.cat([crops, crops.flip(3)]))
    return both.reshape(2, -1, both.shape[1]).mean(dim=0).log_softmax(dim=1)


def _stacked(images: Sequence[Image.Image], device: torch.device) -> Tensor:
    """Returns RGB images of one size as normalised float (N, 3, H, W)."""
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    return normalize(pixels.permute(0, 3, 1, 2).to(device))
