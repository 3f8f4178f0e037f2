"""From a folder of images to batches that the models can read.

Every image is decoded once, into one uint8 tensor. File names tell who signed and in which light.
`asl.sources` finds the images, and `asl.splits` decides who is tested on whom.
"""

import copy
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

from asl.decoded.cache import decode_once, to_send
from asl.decoded.mapped_file import DecodedFile
from asl.decoding import decode_all, normalize, open_rgb, shown
from asl.folders import images_by_sign, report_unreadable
from asl.signs import CORRECTIONS, IMAGE_SIZE, SIGNS, check_labels, sign_name, true_sign
from asl.sources import existing_root

Signer = int | str

_FILE_NAME = re.compile(r"hand(?P<signer>\d+)_[^_]+_(?P<light>[a-z]+)_seg_(?P<frame>\d+)_")


# --- the dataset ---------------------------------------------------------------------------------


class ASLDataset(Dataset):
    """Images of hands in one folder for each sign, decoded once.

    It was written for the set of Barczak et al. (2011, Massey University): 2,515 JPEGs of 400x400
    pixels, hands on black, in 36 folders of 70 (``t``: 65). Five signers made 900, 895, 180, 180
    and 360 of them, in bursts of five near-identical frames. `asl_dataset/README.md` is its data
    card. Any folder with the same layout will do, and files may have any names.

    Attributes:
        image_files: paths, sorted by sign, then name.
        labels: an integer from 0 to 35 for each image.
        label_to_idx: sign → label.
        images: uint8 tensor (N, 3, S, S), upright RGB. You may change it: what is kept in the cache
            stays as it is.
        signers: who signed each image: the number in ``hand<number>_…``, or None if the name does
            not tell; or what the argument `signers` says.
        lights: ``bot``, ``dif``, ``left``, ``right`` or ``top``, or None.
        frames: position in the burst, from 1, or None.
        classes, class_to_idx, targets: the same facts, named as in torchvision's datasets.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike,
        transform: Callable[[Image.Image], Any] | None = None,
        *,
        image_size: int = IMAGE_SIZE,
        corrected: bool = False,
        on_error: str = "raise",
        follow_links: bool = False,
        signers: Callable[[Path], Signer] | Mapping[str, Signer] | None = None,
        cache: bool = True,
        progress: bool = True,
    ):
        """Lists and decodes all images.

        Args:
            data_dir: folder of class folders ``0``-``9``, ``a``-``z`` (or ``A``-``Z``), or one
                above them. Other folders and hidden files do not count. Other files in a class
                folder are left out with a warning that names them.
            transform: called with the upright RGB PIL image whenever an item is asked for, as in
                torchvision's datasets. Without it, an item is the image that was decoded once.
            image_size: side S of the decoded images, in pixels.
            corrected: give the files of `asl.signs.CORRECTIONS` their true signs instead of those
                of their folders. Warns if none of these files is here.
            on_error: ``"raise"`` an error for files and class folders that cannot be read, or
                ``"skip"`` them with a warning.
            follow_links: read links that lead out of `data_dir`, too, instead of leaving them out
                with a warning. It may be a link itself.
            signers: who signed each image, as a number or a name: a function of its path, or a
                table from its file name or its path below `data_dir` (``"a/photo.jpg"``). None
                takes the number in the file's name.
            cache: keep the decoded images in the user's cache directory, and take them from there
                the next time, as long as the files and what decodes them are the same.
                `docs/your_own.md` says more. False decodes them into memory.
            progress: show a bar while decoding.

        Raises:
            DatasetNotFoundError: if there are no class folders at `data_dir`.
            DatasetError: if they hold no image, or unreadable ones while `on_error` is ``"raise"``.
            PermissionError: if `data_dir` may not be read.
            ValueError: if `image_size` or `on_error` is out of range, or `signers` leaves an image
                without a signer.
        """
        if image_size < 1:
            raise ValueError(f"expected image_size of at least 1 pixel, found {image_size}")
        if on_error not in ("raise", "skip"):
            raise ValueError(f"expected on_error 'raise' or 'skip', found {on_error!r}")
        self.data_dir = existing_root(data_dir, "data_dir")
        self.transform = transform
        self.label_to_idx = {sign: label for label, sign in enumerate(SIGNS)}

        sign_of, closed = images_by_sign(self.data_dir, None if follow_links else Path(data_dir))
        self._made: DecodedFile | None = None  # which the images are mapped from
        if cache:
            decoded = decode_once(list(sign_of), image_size, progress=progress)
            self.images, unreadable, self._made = decoded
        else:
            self.images, unreadable = decode_all(list(sign_of), image_size, progress=progress)
        # Texts, not `Path`s: there may be a million.
        files = [file for file in sign_of if file not in unreadable]
        if unreadable := {str(place): why for place, why in closed.items()} | unreadable:
            report_unreadable(unreadable, skipped=bool(files) and on_error == "skip")
        self.image_files = files
        self.labels = [self.label_to_idx[sign_of[file]] for file in files]
        if corrected:
            self._correct_labels()
        facts = [_FILE_NAME.match(file, file.rfind(os.sep) + 1) for file in files]
        self.signers: list[Any] = [int(fact["signer"]) if fact else None for fact in facts]
        if signers is not None:
            self.signers = _named_signers(files, signers, self.data_dir)
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

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"images": to_send(self.images, self._made)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if isinstance(self.images, DecodedFile):
            self.images = self.images.mapped()

    def _correct_labels(self) -> None:
        found = ((i, true_sign(Path(file))) for i, file in enumerate(self.image_files))
        signs = {i: sign for i, sign in found if sign is not None}
        for i, sign in signs.items():
            self.labels[i] = self.label_to_idx[sign]
        if not signs:
            warnings.warn(
                f"corrected=True changed nothing: '{shown(self.data_dir)}' holds none of the "
                f"{len(CORRECTIONS)} files of asl.signs.CORRECTIONS",
                stacklevel=3,
            )

    def _warn_of_missing_signs(self) -> None:
        present = set(self.labels)
        missing = [sign for sign, label in self.label_to_idx.items() if label not in present]
        if missing:
            others = sorted(p.name for p in self.data_dir.iterdir() if p.name.lower() not in SIGNS)
            ignored = shown(", ".join(others[:10]))
            warnings.warn(
                f"'{shown(self.data_dir)}' has images of {len(present)} of {len(SIGNS)} signs; "
                f"none of: {', '.join(missing)}"
                + (f" (not a sign's name, ignored: {ignored})" if others else ""),
                stacklevel=3,
            )

    @property
    def classes(self) -> list[str]:
        return list(self.label_to_idx)

    @property
    def class_to_idx(self) -> dict[str, int]:
        return self.label_to_idx

    @property
    def targets(self) -> list[int]:
        return self.labels

    def __repr__(self) -> str:
        people = len(known(self.signers))
        size = f"{self.images.shape[-1]}x{self.images.shape[-1]} pixels"
        facts = {
            "Number of datapoints": len(self),
            "Root location": shown(self.data_dir),
            "Signs": len(set(self.labels)),
            "Signers": people or "not known",
            "Images": size if self.transform is None else f"from the transform {self.transform!r}",
        }
        return "\n    ".join(["Dataset ASLDataset", *(f"{k}: {v}" for k, v in facts.items())])

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


def _named_signers(
    files: Sequence[str], signers: Callable[[Path], Any] | Mapping[str, Any], root: Path
) -> list:
    """Returns the signer of each image from a function or a table."""
    paths = [Path(file) for file in files]
    if callable(signers):
        named = [signers(path) for path in paths]
    else:
        below = [path.relative_to(root).as_posix() for path in paths]
        named = [signers.get(b, signers.get(p.name)) for b, p in zip(below, paths, strict=True)]
    kinds = {str if isinstance(signer, str) else Integral for signer in named}
    for file, signer in zip(files, named, strict=True):
        if len(kinds) > 1 or not isinstance(signer, *kinds) or isinstance(signer, bool):
            raise ValueError(
                "expected signers to give a number for each image, or a name for each, found "
                f"{signer!r} for '{shown(file)}'"
            )
    return [signer if isinstance(signer, str) else int(signer) for signer in named]


def known(values: Iterable[Any]) -> list:
    """Returns the different values among the signers or frames of images, sorted, without None."""
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

    Raises:
        ValueError: if an item is no pair of a tensor and a label, or a label is not from 0 to 35.
    """
    numbers = [int(index) for index in indices]
    if isinstance(dataset, Subset):
        whole: Any = dataset.dataset
        return get_batch(whole, [dataset.indices[i] for i in numbers], device)
    if isinstance(dataset, ASLDataset) and dataset.transform is None:
        labels = torch.tensor([dataset.labels[i] for i in numbers])
        check_labels(labels)
        return normalize(dataset.images[numbers].to(device)), labels.to(device)
    items = [dataset[i] for i in numbers]
    for item in items:
        if not (isinstance(item, tuple | list) and len(item) == 2 and torch.is_tensor(item[0])):
            kinds = [type(x).__name__ for x in item] if isinstance(item, tuple | list) else item
            raise ValueError(
                f"expected items (tensor (3, H, W), label), found {kinds}. A transform must end "
                "with a tensor: torchvision.transforms.v2.ToImage(), then "
                "v2.ToDtype(torch.float32, scale=True)"
            )
    images, labels = default_collate(items)
    if not labels.is_floating_point():  # nobody trains on those, but images can be compared
        check_labels(labels)
    return images.to(device), labels.to(device)


def whole_dataset(data: Any) -> tuple[Any, list[int] | None]:
    """Returns the dataset behind a `Subset`, or a `Subset` of one, and the places of its items."""
    if not isinstance(data, Subset):
        return data, None
    whole, places = whole_dataset(data.dataset)
    return whole, [int(i) if places is None else places[i] for i in data.indices]


def shuffled_batches(
    size: int, batch_size: int, generator: torch.Generator | None = None
) -> list[Tensor]:
    """Returns the indices of all items in random order, in batches of at least two items."""
    batches = list(torch.randperm(size, generator=generator).split(batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches
