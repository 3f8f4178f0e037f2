"""Takes the steps of `asl.recognizer.graph` for many pictures, some of them at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from asl.decoding import decoding_threads, normalize
from asl.recognizer.crops import Picture, cut, to_pixels
from asl.recognizer.graph import find_hands, joined, read_crops, two_crops, whole_view
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.joint_reader import JointReader

_BATCH = 64  # pictures at once: bounds the memory
_AT_ONCE = 16  # of them in a network at once: more do not fit a CPU's caches


class Seen(NamedTuple):
    """What was seen in N pictures.

    Attributes:
        frames: the pictures, upright RGB, uint8 (H, W, 3), as `asl.recognizer.crops.to_pixels`.
        boxes: float (N, 3), of the hands that were read.
        evidence: float (N,), log-odds of a hand.
        hands: int64 (N,), how many were seen.
        crops: what was read, see `asl.recognizer.graph.two_crops`.
        log_probs: float (N, 36), before calibration.
    """

    frames: list[Tensor]
    boxes: Tensor
    evidence: Tensor
    hands: Tensor
    crops: list[Tensor]
    log_probs: Tensor


@torch.inference_mode()
def see(
    finder: HandFinder,
    classifier: nn.Module,
    joint_reader: JointReader | None,
    image_size: int,
    images: Sequence[Picture],
) -> Iterator[Seen]:
    """Finds and reads the hands in pictures, at most 64 at a time.

    Args:
        finder, classifier, joint_reader, image_size: of an `asl.Recognizer`.
        images: as `asl.Recognizer` takes them.

    Raises:
        OSError, ValueError: as `asl.recognizer.crops.to_frame`.
    """
    device = next(finder.parameters()).device
    # Pillow works outside Python's lock.
    with ThreadPoolExecutor(decoding_threads()) as threads:
        each: Callable = threads.map if len(images) > 1 else map
        for start in range(0, len(images), _BATCH):
            frames = list(each(to_pixels, images[start : start + _BATCH]))
            views = each(partial(whole_view, size=finder.image_size), frames)
            found = [find_hands(finder, part) for part in _parts(views, device)]
            boxes, evidence, hands = (torch.cat(part).cpu() for part in zip(*found, strict=True))
            crops = list(each(partial(two_crops, size=image_size), frames, boxes))
            read = [
                read_crops(classifier, part, with_features=joint_reader is not None)
                for part in _parts(crops, device)
            ]
            log_probs, features = (torch.cat(part) for part in zip(*read, strict=True))
            if joint_reader is not None:
                places = joint_reader.places(features, boxes.to(device))
                cut_out = partial(cut, size=joint_reader.joints.image_size, margin=1)
                turned = _parts(each(cut_out, frames, places.cpu()), device)
                angles = places[:, 3].split(_AT_ONCE)
                others = [joint_reader(*part) for part in zip(turned, angles, strict=True)]
                log_probs = joined(log_probs, torch.cat(others))
            yield Seen(frames, boxes, evidence, hands, crops, log_probs.cpu())


def _parts(images: Iterable[Tensor], device: torch.device) -> tuple[Tensor, ...]:
    """Returns images (…, 3, S, S) normalised and stacked, some of them at a time."""
    return normalize(torch.stack(list(images)).to(device)).split(_AT_ONCE)
