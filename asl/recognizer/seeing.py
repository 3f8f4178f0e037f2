"""Takes the steps of `asl.recognizer.graph` for many pictures, some of them at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from asl.decoding import decoding_threads, normalize
from asl.recognizer.crops import Picture, to_pixels
from asl.recognizer.graph import find_hands, whole_view
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.joint_reader import JointReader
from asl.recognizer.looking import (
    Reading,
    joined,
    look,
    look_elsewhere,
    missed,
    read_crops,
    two_crops,
    unsure,
)
from asl.recognizer.pyramid import Pyramid

_BATCH = 64  # pictures at once: bounds the memory
_AT_ONCE = 16  # of them in a network at once: more do not fit a CPU's caches
_AHEAD = 16  # pictures that are decoded before it is their turn


class Seen(NamedTuple):
    """What was seen in N pictures.

    Attributes:
        frames: the pictures, upright RGB, uint8 (H, W, 3), as `asl.recognizer.crops.to_pixels`.
        boxes: float (N, 3), of the hands that were read.
        evidence: float (N,), log-odds of a hand.
        hands: int64 (N,), how many were seen.
        crops: what was read, see `asl.recognizer.looking.two_crops`.
        log_probs: float (N, 36), before calibration.
    """

    frames: list[Tensor]
    boxes: Tensor
    evidence: Tensor
    hands: Tensor
    crops: list[Tensor]
    log_probs: Tensor


def see(
    finder: HandFinder,
    classifier: nn.Module,
    joint_reader: JointReader | None,
    image_size: int,
    images: Sequence[Picture],
) -> Iterator[Seen]:
    """Finds and reads the hands in pictures, at most 64 at a time.

    While the networks work on some pictures, the next ones are decoded.

    Args:
        finder, classifier, joint_reader, image_size: of an `asl.Recognizer`.
        images: as `asl.Recognizer` takes them.

    Raises:
        OSError, ValueError: as `asl.recognizer.crops.to_frame`.
    """
    seen = _see_some(finder, classifier, joint_reader, image_size, images)
    while parts := list(islice(seen, _BATCH // _AT_ONCE)):
        frames, boxes, evidence, hands, crops, log_probs = zip(*parts, strict=True)
        yield Seen(
            frames=[*chain(*frames)],
            boxes=torch.cat(boxes),
            evidence=torch.cat(evidence),
            hands=torch.cat(hands),
            crops=[*chain(*crops)],
            log_probs=torch.cat(log_probs),
        )


@torch.inference_mode()
def _see_some(
    finder: HandFinder,
    classifier: nn.Module,
    joint_reader: JointReader | None,
    image_size: int,
    images: Sequence[Picture],
) -> Iterator[Seen]:
    """Does what `see` does, with as many pictures as a network takes at once."""
    device = next(finder.parameters()).device
    # Pillow works outside Python's lock. Cutting has threads of its own, or it would wait until the
    # next pictures are decoded.
    decoders, cutters = (ThreadPoolExecutor(decoding_threads()) for _ in range(2))
    each: Callable = cutters.map if len(images) > 1 else map
    decoded = _ahead(decoders, images) if len(images) > 1 else map(to_pixels, images)
    try:
        while frames := list(islice(decoded, _AT_ONCE)):
            pictures = [Pyramid(frame) for frame in frames]
            views = each(partial(whole_view, size=finder.image_size), pictures)
            boxes, evidence, hands = find_hands(finder, _stacked(views, device))
            first = boxes[:, 0]
            crops = list(each(partial(two_crops, size=image_size), pictures, first.cpu()))
            log_probs, features = read_crops(
                classifier, _stacked(crops, device), with_features=joint_reader is not None
            )
            reading = Reading(log_probs, evidence, first)
            if joint_reader is not None:
                parts = joint_reader, classifier, image_size, each
                reading = _look(*parts, pictures, boxes, evidence, log_probs, features)
                for i in (reading.boxes != first).any(dim=1).nonzero()[:, 0].tolist():
                    crops[i] = two_crops(pictures[i], reading.boxes[i].cpu(), image_size)
            read = reading.boxes.cpu()
            yield Seen(frames, read, evidence.cpu(), hands.cpu(), crops, reading.log_probs.cpu())
    finally:
        for threads in (decoders, cutters):
            threads.shutdown(cancel_futures=True)


def _look(
    reader: JointReader,
    classifier: nn.Module,
    size: int,
    each: Callable,
    pictures: Sequence[Pyramid],
    boxes: Tensor,
    evidence: Tensor,
    log_probs: Tensor,
    features: Tensor,
) -> Reading:
    """Looks for the joints in many pictures, and again and elsewhere in those that need it."""
    first = look(reader, pictures, reader.places(features, boxes[:, 0]), each)
    found = Reading(joined(log_probs, first.answers), first.present, boxes[:, 0].clone())
    if len(rows := unsure(found.log_probs).nonzero()[:, 0].tolist()):
        again = look(reader, [pictures[i] for i in rows], first.places[rows], each)
        found.log_probs[rows] = joined(log_probs[rows], again.answers)
        found.present[rows] = again.present
    for i in missed(found.present, evidence).nonzero()[:, 0].tolist():
        row = slice(i, i + 1)
        before = Reading(*(part[row] for part in found))
        answer = log_probs[row], features[row], before
        elsewhere = look_elsewhere(reader, classifier, size, pictures[i], boxes[i], *answer)
        for part, new in zip(found, elsewhere, strict=True):
            part[row] = new
    return found


def _ahead(threads: ThreadPoolExecutor, images: Sequence[Picture]) -> Iterator[Tensor]:
    """Yields pictures in order as `to_pixels` does. The next ones are decoded in the meantime."""
    waiting: deque[Future[Tensor]] = deque()
    rest = iter(images)
    while True:
        waiting.extend(threads.submit(to_pixels, i) for i in islice(rest, _AHEAD - len(waiting)))
        if not waiting:
            return
        yield waiting.popleft().result()


def _stacked(images: Iterable[Tensor], device: torch.device) -> Tensor:
    """Returns images (…, 3, S, S) normalised and stacked."""
    return normalize(torch.stack(list(images)).to(device))
