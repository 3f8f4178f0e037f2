"""Who is tested on whom: splits by image, by burst or by signer, and what leaks between two parts.

Tested on pictures much like those it was trained on, a model shows its memory, not its skill.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from asl.data import IMAGE_SIZE, ASLDataset, denormalize, get_batch

NEAR = 0.04
"""Root-mean-square difference of pixels (0 to 1) up to which two images count as near-identical.

On the real images at 28x28, 70 % have a near-identical companion in their own burst, and no two
images of different bursts are nearer to each other than 0.0418.
"""

SPLITS = ("random", "burst", "signer")
_BLOCK = 256  # test images compared at a time: bounds memory


def load_asl_data(
    data_dir: str | os.PathLike,
    train_split: float = 0.8,
    *,
    split: str = "random",
    test_signer: int | Collection[int] | None = None,
    val_split: float | None = None,
    image_size: int = IMAGE_SIZE,
    seed: int = 0,
    on_error: str = "raise",
    progress: bool = True,
) -> tuple[Subset, ...]:
    """Loads a dataset, splits it and prints the sizes.

    What a test accuracy means depends on `split`:

    - ``"random"``, by image ("same signers"): near-copies of one burst land on both sides, so it
      measures how well a model remembers these people and moments.
    - ``"burst"``: the frames of one burst (signer, sign, light) stay together. The people are still
      the same.
    - ``"signer"`` ("unseen signer"): the people in `test_signer` are in the test part only.

    Args:
        data_dir: as in `ASLDataset`.
        train_split: share in the training part, between 0 and 1: of the images, or of the bursts.
            Not used by ``"signer"``.
        split: ``"random"``, ``"burst"`` or ``"signer"``.
        test_signer: for ``"signer"``: the number of the signer to leave out, or several.
        val_split: if given, this share of the training part becomes a validation part, by the same
            rule: images, whole bursts or whole signers (at least one of each).
        image_size: side of the decoded images, in pixels.
        seed: of the split alone; the same seed gives the same split on every machine.
        on_error: as in `ASLDataset`.
        progress: show a bar while decoding.

    Returns:
        Training and test part, or training, validation and test part if `val_split` is given; all
        `Subset`s of one `ASLDataset`.

    Raises:
        ValueError: if an option is out of range or a part would be empty.
        DatasetError: as `ASLDataset`.
    """
    if split not in SPLITS:
        raise ValueError(f"expected split to be one of {', '.join(SPLITS)}, found {split!r}")
    if (test_signer is not None) != (split == "signer"):
        raise ValueError(
            "expected test_signer with split='signer' and only with it, found "
            f"split={split!r}, test_signer={test_signer}"
        )
    for name, share in (("train_split", train_split), ("val_split", val_split)):
        if share is not None and not 0 < share < 1:
            raise ValueError(f"expected {name} between 0 and 1, found {share}")

    dataset = ASLDataset(data_dir, image_size=image_size, on_error=on_error, progress=progress)
    groups = _groups(dataset, split)
    # A private generator: the split must not depend on what else drew random numbers before.
    generator = torch.Generator().manual_seed(seed)
    if split == "signer":
        train, test = _leave_out(dataset, test_signer)
    else:
        train, test = _divide(range(len(dataset)), train_split, groups, generator)
    parts = {"Training": train, "Testing": test}
    if val_split is not None:
        train, val = _divide(train, 1 - val_split, groups, generator)
        parts = {"Training": train, "Validation": val, "Testing": test}

    sizes = {name: len(indices) for name, indices in parts.items()}
    if 0 in sizes.values():
        raise ValueError(
            f"expected at least one image in each part, found {sizes} of {len(dataset)} image(s) "
            f"with split={split!r}, train_split={train_split}, val_split={val_split}"
        )
    print(f"Total dataset size: {len(dataset)}")
    for name, size in sizes.items():
        print(f"{name} data size: {size}")
    return tuple(Subset(dataset, indices) for indices in parts.values())


def _groups(dataset: ASLDataset, split: str) -> Sequence | None:
    """Returns what must stay together, a key per image; None if each image stands for itself."""
    if split == "random":
        return None
    named = zip(dataset.image_files, dataset.signers, strict=True)
    unknown = [file for file, signer in named if signer is None]
    if unknown:
        raise ValueError(
            f"expected names like 'hand1_a_dif_seg_1_cropped.jpeg' for split={split!r}, found "
            f"{len(unknown)} of {len(dataset)} files that name no signer, first: {unknown[0]}. "
            "split='random' needs no names; check_leakage then tells how much it leaks."
        )
    return dataset.signers if split == "signer" else _bursts(dataset)


def _divide(
    indices: Sequence[int], share: float, groups: Sequence | None, generator: torch.Generator
) -> tuple[list[int], list[int]]:
    """Divides at random into a part of about `share` and the rest, keeping groups whole."""
    if groups is None:
        order = torch.randperm(len(indices), generator=generator).tolist()
        first = int(share * len(indices))
        return [indices[i] for i in order[:first]], [indices[i] for i in order[first:]]
    present = sorted({groups[i] for i in indices})
    order = torch.randperm(len(present), generator=generator).tolist()
    # At least one group here; as `share` is below 1, int() leaves at least one for the rest.
    chosen = {present[i] for i in order[: max(1, int(share * len(present)))]}
    rest = [i for i in indices if groups[i] not in chosen]
    return [i for i in indices if groups[i] in chosen], rest


def _leave_out(
    dataset: ASLDataset, test_signer: int | Collection[int]
) -> tuple[list[int], list[int]]:
    out = set(test_signer) if isinstance(test_signer, Collection) else {int(test_signer)}
    present = set(dataset.signers)
    if not out or not out < present:
        raise ValueError(
            f"expected test_signer to be some, not all, of the signers {sorted(present)}, "
            f"found {sorted(out)}"
        )
    test = [i for i, signer in enumerate(dataset.signers) if signer in out]
    return [i for i, signer in enumerate(dataset.signers) if signer not in out], test


def _bursts(data: Dataset) -> list[tuple] | None:
    """Returns (folder, signer, label, light) per item, or None if the dataset does not know."""
    indices = range(len(data))
    while isinstance(data, Subset):
        indices, data = [data.indices[i] for i in indices], data.dataset
    if not isinstance(data, ASLDataset) or None in data.signers:
        return None
    folder = str(data.data_dir.resolve())  # signer 1 of another dataset is somebody else
    return [(folder, data.signers[i], data.labels[i], data.lights[i]) for i in indices]


# --- leakage -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leakage:
    """What a test part shares with a training part. Printing it gives a sentence each.

    Attributes:
        test_images: number of test images.
        identical: number of test images with an identical image (pixel by pixel) in training.
        near_identical: number of those with an identical or near-identical one, see `NEAR`.
        in_shared_bursts: number of those whose burst is in training too; None if the file names of
            either part do not tell.
        shared_bursts: number of bursts in both parts, or None.
        shared_signers: signers in both parts, or None.
    """

    test_images: int
    identical: int
    near_identical: int
    in_shared_bursts: int | None
    shared_bursts: int | None
    shared_signers: tuple[int, ...] | None

    def __str__(self) -> str:
        def share(count: int) -> str:
            return f"{count} of {self.test_images} ({count / self.test_images:.1%})"

        lines = [
            f"test images with an identical training image: {share(self.identical)}",
            f"with a near-identical one:                    {share(self.near_identical)}",
        ]
        if self.shared_bursts is None:
            lines.append("bursts and signers: the file names do not tell")
        else:
            signers = ", ".join(map(str, self.shared_signers)) or "none"
            lines += [
                f"from a burst that is in training too:         {share(self.in_shared_bursts)}",
                f"signers in both parts: {signers}",
            ]
        return "\n".join(lines)


def check_leakage(train_data: Dataset, test_data: Dataset) -> Leakage:
    """Reports what a test part shares with a training part, for any two datasets.

    Args:
        train_data: items (normalised image (3, H, W), label).
        test_data: the same.

    Raises:
        ValueError: if a part is empty or their image shapes differ.
    """
    distance, nearest = nearest_images(train_data, test_data)
    close = (distance <= NEAR).nonzero().flatten().tolist()
    # Distances are rounded, so identity is checked on the pixels themselves.
    identical = sum(
        torch.equal(get_batch(test_data, [i])[0], get_batch(train_data, [nearest[i]])[0])
        for i in close
    )
    train_bursts, test_bursts = _bursts(train_data), _bursts(test_data)
    known = train_bursts is not None and test_bursts is not None
    shared = set(train_bursts) & set(test_bursts) if known else set()
    signers = [{b[:2] for b in bursts or ()} for bursts in (train_bursts, test_bursts)]
    return Leakage(
        test_images=len(test_data),
        identical=identical,
        near_identical=len(close),
        in_shared_bursts=sum(b in shared for b in test_bursts) if known else None,
        shared_bursts=len(shared) if known else None,
        shared_signers=tuple(sorted(s for _, s in signers[0] & signers[1])) if known else None,
    )


def nearest_images(train_data: Dataset, test_data: Dataset) -> tuple[Tensor, Tensor]:
    """Finds each test image's nearest training image by its raw pixels.

    Args:
        train_data: items (normalised image (3, H, W), label), N of them.
        test_data: the same, M of them.

    Returns:
        distance: float (M,), root-mean-square difference of pixels from 0 to 1
        index: int64 (M,), which training image

    Raises:
        ValueError: if a part is empty or their image shapes differ.
    """
    if not len(train_data) or not len(test_data):
        raise ValueError(
            "expected at least one training and one test image, "
            f"found {len(train_data)} and {len(test_data)}"
        )
    train = _pixels(train_data, range(len(train_data)))
    distances, indices = [], []
    for start in range(0, len(test_data), _BLOCK):
        test = _pixels(test_data, range(start, min(start + _BLOCK, len(test_data))))
        if test.shape[1:] != train.shape[1:]:
            raise ValueError(
                "expected images of one shape, found "
                f"{tuple(train.shape[1:])} in training and {tuple(test.shape[1:])} in test"
            )
        distance, index = torch.cdist(test.flatten(1), train.flatten(1)).min(dim=1)
        distances.append(distance / test[0].numel() ** 0.5)
        indices.append(index)
    return torch.cat(distances), torch.cat(indices)


def _pixels(dataset: Dataset, indices: Sequence[int]) -> Tensor:
    return denormalize(get_batch(dataset, indices)[0])
