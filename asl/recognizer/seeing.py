"""Takes the steps of `asl.recognizer.graph` for many pictures, some of them at a time."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
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
        log_probs: float (N, 36), before calibration.
    """

    frames: list[Tensor]
    boxes: Tensor
    evidence: Tensor
    hands: Tensor
    log_probs: Tensor


@torch.inference_mode()
def finder_evidence(finder: HandFinder, images: Sequence[Picture]) -> Tensor:
    """Returns how sure a finder is that there is a hand in each picture: float (N,), log-odds."""

    def view(image: Picture) -> Tensor:
        return whole_view(Pyramid(to_pixels(image)), finder.image_size)

    device = next(finder.parameters()).device
    found = []
    with ThreadPoolExecutor(decoding_threads()) as threads:
        for start in range(0, len(images), _BATCH):
            views = torch.stack(list(threads.map(view, images[start : start + _BATCH])))
            found.append(find_hands(finder, normalize(views.to(device)))[1].cpu())
    return torch.cat(found)


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
        frames, boxes, evidence, hands, log_probs = zip(*parts, strict=True)
        yield Seen(
            frames=[*chain(*frames)],
            boxes=torch.cat(boxes),
            evidence=torch.cat(evidence),
            hands=torch.cat(hands),
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
            views = torch.stack(list(each(partial(whole_view, size=finder.image_size), pictures)))
            boxes, found, hands = find_hands(finder, normalize(views.to(device)))
            if joint_reader is None:
                crops = _cut(each, two_crops, pictures, boxes[:, 0], image_size)
                log_probs, _ = read_crops(classifier, crops)
                reading = Reading(log_probs, found, boxes[:, 0])
            else:
                parts = joint_reader, classifier, image_size, each
                reading = _read(*parts, pictures, boxes, found)
            log_probs, evidence, read = (part.cpu() for part in reading)
            yield Seen(frames, read, evidence, hands.cpu(), log_probs)
    finally:
        for threads in (decoders, cutters):
            threads.shutdown(cancel_futures=True)


def _read(
    reader: JointReader,
    classifier: nn.Module,
    size: int,
    each: Callable,
    pictures: Sequence[Pyramid],
    boxes: Tensor,
    found: Tensor,
) -> Reading:
    """Reads one crop of each picture; of those that need it, another, and the joints."""
    first = boxes[:, 0]
    crops = _cut(each, near_crop, pictures, first, size)
    near, features = read_crops(classifier, crops.unsqueeze(1), with_features=True)
    opinions = opinions_of_certain(near, first)
    if len(rows := (~certain(near)).nonzero()[:, 0].tolist()):
        some = [pictures[i] for i in rows]
        given = some, boxes[rows], found[rows], near[rows], features[rows]
        _put(opinions, rows, _look(reader, classifier, size, each, *given))
    return opinions.reading()


def _look(
    reader: JointReader,
    classifier: nn.Module,
    size: int,
    each: Callable,
    pictures: Sequence[Pyramid],
    boxes: Tensor,
    found: Tensor,
    near: Tensor,
    features: Tensor,
) -> Opinions:
    """Reads the other crop and the joints, and again and elsewhere in pictures that need it."""
    first = boxes[:, 0]
    wide, _ = read_crops(classifier, _cut(each, wide_crop, pictures, first, size).unsqueeze(1))
    once = look(reader, pictures, reader.places(features, first), each)
    opinions = Opinions(averaged(near, wide), once.answers, once.present, first.clone(), once.boxes)
    if len(rows := unsure(opinions.log_probs).nonzero()[:, 0].tolist()):
        again = look(reader, [pictures[i] for i in rows], once.places[rows], each)
        _put(opinions, rows, _some(opinions, rows).after(again))
    for i in missed(opinions.evidence, found).nonzero()[:, 0].tolist():
        given = boxes[i], features[[i]], _some(opinions, [i])
        elsewhere = look_elsewhere(reader, classifier, size, pictures[i], *given)
        _put(opinions, [i], elsewhere)
    if len(rows := worth_reading_again(opinions).nonzero()[:, 0].tolist()):
        some = [pictures[i] for i in rows]
        _put(opinions, rows, read_again(classifier, size, some, _some(opinions, rows), each))
    return opinions


def _some(opinions: Opinions, rows: list[int]) -> Opinions:
    return Opinions(*(part[rows] for part in opinions))


def _put(opinions: Opinions, rows: list[int], new: Opinions) -> None:
    for part, replaced in zip(opinions, new, strict=True):
        part[rows] = replaced


def _cut(
    each: Callable, crop: Callable, pictures: Sequence[Pyramid], boxes: Tensor, size: int
) -> Tensor:
    """Cuts a box (3,) out of each of N pictures as `crop` does, (N, …), on the boxes' device."""
    crops = each(partial(crop, size=size), pictures, boxes.cpu())
    return torch.stack(list(crops)).to(boxes.device)


def _ahead(threads: ThreadPoolExecutor, images: Sequence[Picture]) -> Iterator[Tensor]:
    """Yields pictures in order as `to_pixels` does. The next ones are decoded in the meantime."""
    waiting: deque[Future[Tensor]] = deque()
    rest = iter(images)
    while True:
        waiting.extend(threads.submit(to_pixels, i) for i in islice(rest, _AHEAD - len(waiting)))
        if not waiting:
            return
        yield waiting.popleft().result()
