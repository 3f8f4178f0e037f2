"""From a picture to ranked hand shapes, or to the answer that none can be recognised.

`Recognizer` finds the hand, cuts it out, classifies it and says how sure it is. It is trained by
`asl.recognizer.train`.
"""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, nn

from asl.decoding import brief
from asl.devices import usable_device
from asl.recognizer.crops import Picture, cut
from asl.recognizer.graph import RecognizerGraph, confidence_of
from asl.recognizer.hand_files import load_hand, save_hand, teach
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.joint_reader import JointReader
from asl.recognizer.mobile_net import MOBILE_SIZE, ASLMobileNet
from asl.recognizer.networks import ARCHITECTURES
from asl.recognizer.pyramid import Pyramid
from asl.recognizer.recognizer_files import (
    fingerprint_of,
    read_recognizer,
    saved_tensors,
    write_recognizer,
)
from asl.recognizer.seeing import Seen, see
from asl.recognizer.teaching import Hand, Prior, lesson_of, taught_answers
from asl.signs import ANSWERS

SHIPPED_WEIGHTS = Path(__file__).with_name("recognizer.safetensors")

Answers = list[tuple[str | None, float]]


@dataclass(frozen=True)
class Sight:
    """What a recogniser saw in one picture.

    Attributes:
        frame: the whole picture, upright RGB, shrunk to at most 1,024 pixels a side.
        box: (x, y, half) of the hand, see `asl.recognizer.crops`.
        crop: what lies in the hand's box, wider by a quarter, RGB, as the classifier reads it.
        hand: probability that there is a hand, from 0 to 1.
        hands: how many hands were seen. The surest was read.
        log_probs: float (36,), one for each label if there is a hand; not calibrated.
        answers: what calling the recogniser returns.
    """

    frame: Image.Image
    box: tuple[float, float, float]
    crop: Image.Image
    hand: float
    hands: int
    log_probs: Tensor
    answers: Answers


@dataclass
class Recognizer:
    """Reads the hand shape in a picture: ``recognizer(picture)`` → ``[("a", 0.93), …]``.

    Attributes:
        finder: views of pictures (N, 3, H, H) → where hands may be, see `asl.HandFinder`.
        classifier: crops (N, 3, S, S) → log-probabilities (N, 36).
        architecture: the classifier's name in `asl.recognizer.networks.ARCHITECTURES`.
        image_size: side of the crops that the classifier reads, in pixels.
        temperature: divides its log-probabilities, see `asl.fit_temperature`.
        threshold: the confidence below which the answer is that no sign is recognised.
        facts: how it was trained and what was measured, for people to read. Anything that JSON can
            hold.
        joint_reader: reads the joints of the hand, beside the classifier, or None.
        prior: what it knows of people before it is taught, see `asl.recognizer.teaching`.
        hand: what it was taught of one person's hand, None if nothing. `save` leaves it out.
    """

    finder: HandFinder
    classifier: nn.Module
    architecture: str
    image_size: int
    temperature: float = 1.0
    threshold: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    joint_reader: JointReader | None = None
    prior: Prior = field(default_factory=Prior.default)
    hand: Hand | None = None

    @classmethod
    def create(
        cls,
        architecture: str = "mobile",
        image_size: int = MOBILE_SIZE,
        *,
        joint_reader: bool = False,
    ) -> "Recognizer":
        """Returns an untrained recogniser. The global generator draws its weights.

        Raises:
            ValueError: if the architecture is unknown or the size does not fit it, or if it is not
                "mobile" and there shall be a reader of joints.
        """
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"expected an architecture of {', '.join(ARCHITECTURES)}, "
                f"found {brief(architecture)}"
            )
        classifier = ARCHITECTURES[architecture](image_size=image_size)
        joints = None
        if joint_reader:
            if not isinstance(classifier, ASLMobileNet):
                raise ValueError(
                    f'expected the architecture "mobile" with a reader of joints, found '
                    f"{brief(architecture)}"
                )
            joints = JointReader(classifier.width).eval()
        return cls(
            HandFinder().eval(), classifier.eval(), architecture, image_size, joint_reader=joints
        )

    @classmethod
    def load(
        cls,
        weights: str | os.PathLike | None = None,
        *,
        device: torch.device | str = "cpu",
        hand: str | os.PathLike | None = None,
    ) -> "Recognizer":
        """Reads a recogniser from a file, or the one that ships with the project.

        The file holds only numbers and text, and need not be trusted: what does not fit is refused
        before much memory is taken. Loading changes no setting of the process.

        Args:
            weights: a file that `save` wrote. None takes the recogniser that ships.
            device: where to compute. A CPU is as fast for single pictures.
            hand: a file that `save_hand` wrote, of a person's hand taught to the same weights.

        Raises:
            OSError: if a file cannot be read.
            ValueError: if this machine lacks the device, or if a file is damaged, was changed
                since it was written, or holds no recogniser of this version: other layers, weights
                that are not finite, or numbers out of range. Or if the hand was taught to other
                weights.
        """
        device = usable_device(device)

        def created(facts: Mapping[str, Any]) -> "Recognizer":
            joint_reader = facts.get("joint_reader", False)
            return cls.create(facts["architecture"], facts["image_size"], joint_reader=joint_reader)

        path = Path(SHIPPED_WEIGHTS if weights is None else weights)
        recognizer, facts, prior = read_recognizer(path, created, cls._networks)
        recognizer._networks().to(device).eval()
        recognizer.temperature = float(facts["temperature"])
        recognizer.threshold = float(facts["threshold"])
        recognizer.facts = facts["facts"]
        recognizer.prior = prior
        if hand is not None:
            recognizer.hand = load_hand(hand, recognizer.fingerprint())
        return recognizer

    def save(self, path: str | os.PathLike) -> None:
        """Writes everything to one file, which appears whole or not at all.

        Parameters are written in half precision, some in eight bits: the file is a third as large,
        and the answers hardly differ.

        Raises:
            OSError: if the file cannot be written.
            ValueError: if `load` would not read it: a number is out of range or not finite.
        """
        facts = {
            "architecture": self.architecture,
            "image_size": self.image_size,
            "joint_reader": self.joint_reader is not None,
            "temperature": self.temperature,
            "threshold": self.threshold,
            "facts": self.facts,
        }
        write_recognizer(path, self._networks(), self.prior, facts)

    def taught(self, photos: Mapping[str, Picture | Sequence[Picture]]) -> "Recognizer":
        """Returns a recogniser that also knows one person's hand. This one stays as it is.

        A photo of each sign will do, three are better, and any signs may be left out. Signs that
        were taught before stay, or are replaced if they are taught again. The networks are the
        same objects. Nothing of this is written by `save` or into an exported file.

        Args:
            photos: sign → photos of it, as a call takes them: ``{"a": ["a1.jpg", "a2.jpg"]}``.

        Warns:
            UserWarning: names the photos in which no hand is found, which teach nothing.

        Raises:
            OSError: if a path cannot be read as an image.
            ValueError: if no photo of a sign shows a hand, or `photos` is not as described.
        """
        known = self.hand or Hand.untaught()
        hand, lost = teach(known, photos, self.raw_answers, self.prior)
        if lost:
            warnings.warn(f"no hand is found in {', '.join(lost)}", stacklevel=2)
        return replace(self, hand=hand)

    def save_hand(self, path: str | os.PathLike) -> None:
        """Writes what was taught to a file of its own, for `load` with the same weights.

        Raises:
            OSError: if the file cannot be written.
            ValueError: if nothing was taught.
        """
        if self.hand is None:
            raise ValueError("expected a recogniser that was taught, found one that was not")
        save_hand(self.hand, path, self.fingerprint())

    def fingerprint(self) -> str:
        """Returns 16 digits that other networks, or another prior, would hardly share."""
        return fingerprint_of(saved_tensors(self._networks(), self.prior))

    def _networks(self) -> nn.ModuleDict:
        networks: dict[str, nn.Module] = {"finder": self.finder, "classifier": self.classifier}
        if self.joint_reader is not None:
            networks["joint_reader"] = self.joint_reader
        return nn.ModuleDict(networks)

    def __call__(self, image: Picture | Sequence[Picture], top: int = 3) -> Answers | list[Answers]:
        """Ranks the hand shapes in a picture, or in each of a list.

        Args:
            image: a path, a PIL image, an array (H, W), (H, W, 3) or (H, W, 4), or a tensor
                (3, H, W) or (1, H, W): uint8, or float from 0 to 1, RGB. OpenCV's arrays are BGR:
                ``frame[..., ::-1]`` turns them. Or a list of pictures.
            top: how many answers to give, at most 32.

        Returns:
            (sign, probability) pairs, the most probable first. Signs that look alike are one
            answer, such as ``"0 or o"``. If no sign is confident enough, the first pair is
            ``(None, p)``: p is the probability that the best sign, which comes second, is wrong. A
            list of pictures gives a list of such lists. ``[(None, 1.0)]`` is the answer if what the
            networks compute is no number.

        Raises:
            OSError: if a path cannot be read as an image.
            ValueError: if a picture or `top` is not as described.
        """
        if isinstance(image, list | tuple):
            _check_top(top)
            return [answers for batch in self._see(image) for answers in self._ranked(batch, top)]
        return cast(Answers, self([cast(Picture, image)], top)[0])

    def look(self, images: Sequence[Picture], top: int = 3) -> list[Sight]:
        """Returns what is seen in each picture. Arguments and errors are those of a call."""
        _check_top(top)
        sights = []
        for batch in self._see(images):
            answers = self._ranked(batch, top)
            for i, frame in enumerate(batch.frames):
                x, y, half = batch.boxes[i].tolist()
                sight = Sight(
                    frame=Image.fromarray(frame.numpy()),
                    box=(x, y, half),
                    crop=_to_image(cut(Pyramid(frame), batch.boxes[i], self.image_size)),
                    hand=batch.evidence[i].sigmoid().item(),
                    hands=int(batch.hands[i]),
                    log_probs=batch.log_probs[i],
                    answers=answers[i],
                )
                sights.append(sight)
        return sights

    def raw_answers(self, images: Sequence[Picture]) -> tuple[Tensor, Tensor]:
        """Returns answers before calibration, to evaluate or to calibrate with.

        Args:
            images: at least one picture, as in a call.

        Returns:
            log_probs: float (N, 36), one for each label if there is a hand
            evidence: float (N,), log-odds of a hand
        """
        # Of each batch only the answers are kept, not the pictures.
        seen = [(batch.log_probs, batch.evidence) for batch in self._see(images)]
        log_probs, evidence = zip(*seen, strict=True)
        return torch.cat(log_probs), torch.cat(evidence)

    def confidence(self, log_probs: Tensor, evidence: Tensor) -> Tensor:
        """Returns the probability of each of `asl.ANSWERS`, (N, 32), from raw answers.

        A row sums to less than 1. The rest is the probability that there is no hand. If the
        recogniser was taught, it is that of the taught hand.
        """
        if self.hand is not None:
            lesson = lesson_of(self.hand, self.prior)
            answers = taught_answers(log_probs, lesson, self.temperature)
            return answers.exp() * evidence.sigmoid().unsqueeze(1)
        return confidence_of(log_probs, evidence, self.temperature)

    def graph(self) -> RecognizerGraph:
        """Returns all steps as one module, see `asl.recognizer.graph.RecognizerGraph`.

        Whose hand was taught is not part of it. `asl.recognizer.teaching.taught_answers` takes what
        it computes.
        """
        return RecognizerGraph(
            self.finder, self.classifier, self.joint_reader, self.image_size, self.temperature
        )

    def _see(self, images: Sequence[Picture]) -> Iterator[Seen]:
        return see(self.finder, self.classifier, self.joint_reader, self.image_size, images)

    def _ranked(self, batch: Seen, top: int) -> list[Answers]:
        confidence = self.confidence(batch.log_probs, batch.evidence)
        return [self._rank(of_picture, top) for of_picture in confidence]

    def _rank(self, confidence: Tensor, top: int) -> Answers:
        """Returns the answers for one picture from the confidence of each answer (32,)."""
        if not confidence.isfinite().all():  # nan compares as more confident than any number
            return [(None, 1.0)]
        best = confidence.topk(top)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ranked = [(ANSWERS[answer], probability) for answer, probability in pairs]
        highest = ranked[0][1]
        if highest < self.threshold:
            ranked = [(None, 1 - highest), *ranked][:top]
        return ranked


def _check_top(top: int) -> None:
    if not 1 <= top <= len(ANSWERS):
        raise ValueError(f"expected top from 1 to {len(ANSWERS)}, found {top}")


def _to_image(crop: Tensor) -> Image.Image:
    """Returns a crop (3, S, S), float from 0 to 255, as a picture."""
    return Image.fromarray(crop.round().byte().permute(1, 2, 0).numpy())
