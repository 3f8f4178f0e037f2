"""From a folder of images to batches that the models can read.

Every image is decoded once, into one uint8 tensor. File names tell who signed and in which light.
`asl.sources` finds the images, and `asl.splits` decides who is tested on whom.
"""

import copy
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

from asl.corrections import CORRECTIONS, true_sign
from asl.files import progress_bar
from asl.signs import IMAGE_SIZE, SIGNS, sign_name
from asl.sources import IMAGE_SUFFIXES, DatasetError, existing_root, images_in, open_rgb

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_FILE_NAME = re.compile(r"hand(?P<signer>\d+)_[^_]+_(?P<light>[a-z]+)_seg_(?P<frame>\d+)_")


# --- from pixels to numbers -----------------------------------------------------------------------


def normalize(images: Tensor) -> Tensor:
    """Turns uint8 images (..., 3, H, W) into float with the ImageNet mean and deviation."""
    mean, std = (_per_channel(values, images) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return images.float().sub_(255 * mean).div_(255 * std)


def denormalize(images: Tensor) -> Tensor:
    """Turns normalised images (..., 3, H, W) back into float from 0 to 1, for display."""
    mean, std = (_per_channel(values, images) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images * std).add_(mean).clamp_(0, 1)


def _per_channel(values: Sequence[float], images: Tensor) -> Tensor:
    """Returns one number for each channel, shaped to spread over images (..., 3, H, W)."""
    numbers = torch.tensor(values, device=images.device)
    if images.is_contiguous(memory_format=torch.channels_last):
        # A whole row of numbers, in the same order in memory, is four times as fast as three.
        return numbers.expand(images.shape[-1], 3).contiguous().t().unsqueeze(1)
    return numbers.view(3, 1, 1)


# --- the dataset ---------------------------------------------------------------------------------


class ASLDataset(Dataset):
    """Images of hands in one folder for each sign, decoded once and kept in memory.

    It was written for the set of Barczak et al. (2011, Massey University): 2,515 JPEGs of 400x400
    pixels, hands on black, in 36 folders of 70 (``t``: 65). Five signers made 900, 895, 180, 180
    and 360 of them, in bursts of five near-identical frames. `asl_dataset/README.md` is its data
    card. Any folder with the same layout will do, and files may have any names.

    Attributes:
        image_files: paths, sorted by sign, then name.
        labels: an integer from 0 to 35 for each image.
        label_to_idx: sign → label.
        images: uint8 tensor (N, 3, S, S), upright RGB.
        signers: the number in ``hand<number>_…``, or None if the name does not tell.
        lights: ``bot``, ``dif``, ``left``, ``right`` or ``top``, or None.
        frames: position in the burst, from 1, or None.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike,
        transform: Callable[[Image.Image], Any] | None = None,
        *,
        image_size: int = IMAGE_SIZE,
        corrected: bool = False,
        on_error: str = "raise",
        progress: bool = True,
    ):
        """Lists and decodes all images.

        Args:
            data_dir: folder of class folders ``0``-``9``, ``a``-``z``, or one above them. Other
                folders, other files and hidden files do not count.
            transform: called with the upright RGB PIL image whenever an item is asked for, as in
                torchvision's datasets. Without it, an item is the image that was decoded once.
            image_size: side S of the decoded images, in pixels.
            corrected: give the files of `asl.corrections` their true signs instead of those of
                their folders. Warns if none of these files is here.
            on_error: ``"raise"`` an error for files that cannot be read, or ``"skip"`` them with a
                warning.
            progress: show a bar while decoding.

        Raises:
            DatasetNotFoundError: if there are no class folders at `data_dir`.
            DatasetError: if they hold no image, or unreadable ones while `on_error` is ``"raise"``.
            ValueError: if `image_size` or `on_error` is out of range.
        """
        if image_size < 1:
            raise ValueError(f"expected image_size of at least 1 pixel, found {image_size}")
        if on_error not in ("raise", "skip"):
            raise ValueError(f"expected on_error 'raise' or 'skip', found {on_error!r}")
        self.data_dir = existing_root(data_dir, "data_dir")
        self.transform = transform
        self.label_to_idx = {sign: label for label, sign in enumerate(SIGNS)}

        files = [path for sign in SIGNS for path in images_in(self.data_dir / sign)]
        if not files:
            raise DatasetError(
                f"expected images ({', '.join(IMAGE_SUFFIXES)}) in the class folders of "
                f"'{self.data_dir}', found none"
            )
        self.images, unreadable = _decode_all(files, image_size, progress)
        if unreadable:
            files = [path for path in files if path not in unreadable]
            _report_unreadable(unreadable, skipped=bool(files) and on_error == "skip")

        self.image_files = [str(path) for path in files]
        self.labels = [self.label_to_idx[path.parent.name] for path in files]
        if corrected:
            self._correct_labels(files)
        facts = [_FILE_NAME.match(path.name) for path in files]
        self.signers = [int(fact["signer"]) if fact else None for fact in facts]
        self.lights = [fact["light"] if fact else None for fact in facts]
        self.frames = [int(fact["frame"]) if fact else None for fact in facts]
        self._warn_of_missing_signs()

    def joined_with(self, other: "ASLDataset") -> "ASLDataset":
        """Returns a dataset of these images, followed by those of another dataset.

        Raises:
            ValueError: if the image sizes or the transforms differ.
        """
        for name, mine, its in (
            ("image sizes", tuple(self.images.shape[1:]), tuple(other.images.shape[1:])),
            ("transforms", self.transform, other.transform),
        ):
            if mine != its:
                raise ValueError(f"expected datasets of equal {name} to join, found {mine}, {its}")
        joined = copy.copy(self)
        joined.images = torch.cat([self.images, other.images])
        for facts in ("image_files", "labels", "signers", "lights", "frames"):
            setattr(joined, facts, getattr(self, facts) + getattr(other, facts))
        return joined

    def _correct_labels(self, files: Sequence[Path]) -> None:
        signs = {i: sign for i, path in enumerate(files) if (sign := true_sign(path)) is not None}
        for i, sign in signs.items():
            self.labels[i] = self.label_to_idx[sign]
        if not signs:
            warnings.warn(
                f"corrected=True changed nothing: '{self.data_dir}' holds none of the "
                f"{len(CORRECTIONS)} files of asl.corrections",
                stacklevel=3,
            )

    def _warn_of_missing_signs(self) -> None:
        present = set(self.labels)
        missing = [sign for sign, label in self.label_to_idx.items() if label not in present]
        if missing:
            others = sorted(p.name for p in self.data_dir.iterdir() if p.name not in SIGNS)
            warnings.warn(
                f"'{self.data_dir}' has images of {len(present)} of {len(SIGNS)} signs; "
                f"none of: {', '.join(missing)}"
                + (f" (not a sign's name, ignored: {', '.join(others[:10])})" if others else ""),
                stacklevel=3,
            )

    def __len__(self) -> int:
        return len(self.image_files)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """Returns (image, label). The image is what `transform` returns, or float (3, S, S)."""
        if self.transform is None:
            return normalize(self.images[index]), self.labels[index]
        return self.transform(open_rgb(self.image_files[index])), self.labels[index]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, int]]:
        """Returns many items at once. `DataLoader` calls it, so a batch takes one indexing."""
        if self.transform is not None:
            return [self[index] for index in indices]
        images = normalize(self.images[list(indices)])
        return [(image, self.labels[i]) for image, i in zip(images, indices, strict=True)]

    def get_label_name(self, idx: int) -> str:
        """Returns the sign of a label, ``"0"`` to ``"z"``."""
        return sign_name(idx)


def _decode_all(files: Sequence[Path], size: int, progress: bool) -> tuple[Tensor, dict[Path, str]]:
    """Decodes images in threads, which works since Pillow releases the GIL.

    Returns:
        images: uint8 (number of readable files, 3, size, size)
        unreadable: path → reason
    """
    unreadable: dict[Path, str] = {}
    images = np.empty((len(files), size, size, 3), np.uint8)
    count = 0
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as threads:
        # `open_rgb` refuses what Pillow only warns of.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        decoded = threads.map(partial(_decode, size=size), files)
        bar = progress_bar(decoded, "Decoding images", len(files)) if progress else decoded
        for path, result in zip(files, bar, strict=True):
            if isinstance(result, str):
                unreadable[path] = result
            else:
                images[count] = result
                count += 1
    return torch.from_numpy(images[:count]).permute(0, 3, 1, 2).contiguous(), unreadable


def _decode(path: Path, size: int) -> np.ndarray | str:
    try:
        image = open_rgb(path, size=size)
        return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    except Exception as error:  # a damaged file can make a decoder raise nearly anything
        return f"{type(error).__name__}: {error}" if path.stat().st_size else "empty file"


def _report_unreadable(unreadable: dict[Path, str], skipped: bool) -> None:
    first = "".join(f"\n  {path}: {why}" for path, why in list(unreadable.items())[:10])
    more = f"\n  and {len(unreadable) - 10} more" if len(unreadable) > 10 else ""
    message = f"{len(unreadable)} unreadable image file(s)"
    if skipped:
        warnings.warn(f"left out {message}:{first}{more}", stacklevel=3)
    else:
        raise DatasetError(
            f"found {message}:{first}{more}\n"
            "Remove or replace them, or pass on_error='skip' to leave them out."
        )


def known(values: Iterable[int | None]) -> list[int]:
    """Returns the different numbers among the signers or frames of images, sorted, without None."""
    return sorted({value for value in values if value is not None})


# --- batches -------------------------------------------------------------------------------------


class SizedDataset(Protocol):
    """A dataset of (image, label) that knows its length, as torch's `Dataset` does not promise.

    An `ASLDataset`, a `Subset` and a `TensorDataset` are such datasets.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def get_batch(
    dataset: SizedDataset, indices: Iterable[int] | Tensor, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Returns the items of a dataset as one batch on a device.

    An `ASLDataset` without a transform, or a `Subset` of one, takes one indexing of uint8 pixels,
    which are normalised on the device. Any other dataset is asked item by item.

    Args:
        dataset: items (image (3, H, W), label).
        indices: which items, length N.
        device: where to put them.

    Returns:
        images: float (N, 3, H, W)
        labels: int64 (N,)
    """
    numbers = [int(index) for index in indices]
    if isinstance(dataset, Subset):
        whole: Any = dataset.dataset
        return get_batch(whole, [dataset.indices[i] for i in numbers], device)
    if isinstance(dataset, ASLDataset) and dataset.transform is None:
        labels = torch.tensor([dataset.labels[i] for i in numbers])
        return normalize(dataset.images[numbers].to(device)), labels.to(device)
    images, labels = default_collate([dataset[i] for i in numbers])
    return images.to(device), labels.to(device)
