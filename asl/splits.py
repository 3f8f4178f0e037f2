"""Who is tested on whom: splits and folds by image, by burst or by signer.

If a model is tested on pictures much like its training pictures, the test measures its memory, not
its skill.
"""

import copy
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import Subset

from asl.data import ASLDataset, Signer, SizedDataset, known
from asl.signs import IMAGE_SIZE

SPLITS = ("random", "burst", "signer")


def load_asl_data(
    data_dir: str | os.PathLike,
    train_split: float = 0.8,
    *,
    split: str = "random",
    test_signer: Signer | Collection[Signer] | None = None,
    val_split: float | None = None,
    transform: Callable | None = None,
    train_transform: Callable | None = None,
    signers: Callable[[Path], Signer] | Mapping[str, Signer] | None = None,
    image_size: int = IMAGE_SIZE,
    seed: int = 0,
    extra: ASLDataset | None = None,
    corrected: bool = False,
    on_error: str = "raise",
    follow_links: bool = False,
    cache: bool = True,
    progress: bool = True,
) -> tuple[Subset, ...]:
    """Loads a dataset, splits it and prints the sizes.

    What a test accuracy means depends on `split`:

    - ``"random"`` ("same signers") deals out single images. Near-copies from one burst land on both
      sides, so the accuracy measures how well a model remembers these people and moments.
    - ``"burst"`` keeps the frames of a burst (signer, sign, light) together. The people are still
      the same.
    - ``"signer"`` ("unseen signer") puts all images of the people in `test_signer` into the test
      part.

    Args:
        data_dir: as in `ASLDataset`.
        train_split: share of the images, or of the bursts, in the training part, between 0 and 1.
            ``"signer"`` does not use it.
        split: ``"random"``, ``"burst"`` or ``"signer"``.
        test_signer: the signer to leave out, or several of them, for ``"signer"``.
        val_split: share of the training part that becomes a validation part, in the same way: by
            images, by whole bursts or by whole signers (at least one). None makes none.
        transform: of every part, as in `ASLDataset`.
        train_transform: of the training part alone, in place of `transform`, for random changes
            such as those of ``torchvision.transforms.v2``.
        signers: as in `ASLDataset`.
        image_size: side of the decoded images, in pixels.
        seed: of the split only. The same seed gives the same split on every machine.
        extra: further images of the same `image_size`, such as rendered ones. All of them join the
            training part.
        corrected: as in `ASLDataset`. It does not change the split.
        on_error, follow_links, cache: as in `ASLDataset`.
        progress: show a bar while decoding.

    Returns:
        The training and the test part, with the validation part between them if `val_split` is
        given. All are `Subset`s of one `ASLDataset`, except that with `train_transform` the
        training part has another one, of the same images in memory.

    Raises:
        ValueError: if an option is out of range or a part would be empty.
        DatasetError: as `ASLDataset`.
    """
    _check_protocol("split", split)
    if (test_signer is not None) != (split == "signer"):
        raise ValueError(
            "expected test_signer with split='signer' and only with it, found "
            f"split={split!r}, test_signer={test_signer}"
        )
    for name, share in (("train_split", train_split), ("val_split", val_split)):
        if share is not None and not 0 < share < 1:
            raise ValueError(f"expected {name} between 0 and 1, found {share}")

    dataset = ASLDataset(
        data_dir,
        transform,
        image_size=image_size,
        corrected=corrected,
        on_error=on_error,
        follow_links=follow_links,
        signers=signers,
        cache=cache,
        progress=progress,
    )
    groups = _groups(dataset, split)
    # A private generator: the split must not depend on what else drew random numbers before.
    generator = torch.Generator().manual_seed(seed)
    if test_signer is not None:
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
    if extra is not None:
        print(f"Extra training data size: {len(extra)}")
        parts["Training"] = train + list(range(len(dataset), len(dataset) + len(extra)))
        dataset = dataset.joined_with(extra)
    datasets = dict.fromkeys(parts, dataset)
    if train_transform is not None:
        datasets["Training"] = copy.copy(dataset)
        datasets["Training"].transform = train_transform
    return tuple(Subset(datasets[name], indices) for name, indices in parts.items())


def make_folds(dataset: ASLDataset, protocol: str, *, folds: int = 5, seed: int = 0) -> Tensor:
    """Deals a dataset's images into folds: each will test a model that is trained on the others.

    Args:
        dataset: the images.
        protocol: what is dealt, like `split` in `load_asl_data`: images (``"random"``), bursts
            (``"burst"``) or signers (``"signer"``: one fold for each, in the order of numbers).
        folds: how many folds of images or bursts. Their sizes differ by one at most. ``"signer"``
            does not use it.
        seed: of the dealing. ``"signer"`` does not use it.

    Returns:
        int64 (N,): the fold of each image, from 0.

    Raises:
        ValueError: if `protocol` is unknown, if file names do not tell bursts or signers, if there
            are fewer than two folds, or fewer images, bursts or signers than folds.
    """
    _check_protocol("protocol", protocol)
    groups = _groups(dataset, protocol)
    keys: Sequence = range(len(dataset)) if groups is None else groups
    present = sorted(set(keys))
    folds = len(present) if protocol == "signer" else folds
    if not 2 <= folds <= len(present):
        what = {"random": "image", "burst": "burst", "signer": "signer"}[protocol]
        raise ValueError(
            f"expected at least 2 folds and as many {what}s as folds for protocol={protocol!r}, "
            f"found {folds} fold(s) and {len(present)} {what}(s)"
        )
    order = list(range(folds))
    if protocol != "signer":
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(present), generator=generator).tolist()
    fold_of = {present[group]: place % folds for place, group in enumerate(order)}
    return torch.tensor([fold_of[key] for key in keys])


def possible_protocols(dataset: ASLDataset) -> tuple[str, ...]:
    """Returns which of ``"random"``, ``"burst"`` and ``"signer"`` a dataset has two folds for."""
    possible = []
    for protocol in SPLITS:
        try:
            make_folds(dataset, protocol, folds=2)
        except ValueError:  # its message says what is missing, which here is no error
            continue
        possible.append(protocol)
    return tuple(possible)


def _check_protocol(name: str, value: str) -> None:
    if value not in SPLITS:
        raise ValueError(f"expected {name} to be one of {', '.join(SPLITS)}, found {value!r}")


def _groups(dataset: ASLDataset, split: str) -> Sequence | None:
    """Returns a key for each image: equal keys stay together. None if each image stands alone."""
    if split == "random":
        return None
    named = zip(dataset.image_files, dataset.signers, strict=True)
    unknown = [file for file, signer in named if signer is None]
    if unknown:
        raise ValueError(
            f"expected names like 'hand1_a_dif_seg_1_cropped.jpeg' for split={split!r}, found "
            f"{len(unknown)} of {len(dataset)} files that name no signer, first: {unknown[0]}. "
            "signers= takes a function or a table instead. split='random' needs neither; "
            "check_leakage then tells how much it leaks."
        )
    return dataset.signers if split == "signer" else bursts_of(dataset)


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
    dataset: ASLDataset, test_signer: Signer | Collection[Signer]
) -> tuple[list[int], list[int]]:
    several = isinstance(test_signer, Collection) and not isinstance(test_signer, str)
    out: set[Any] = set(cast(Collection, test_signer)) if several else {test_signer}
    present = known(dataset.signers)
    if not out or not out < set(present):
        raise ValueError(
            f"expected test_signer to be some, not all, of the signers {present}, found "
            f"{sorted(out)}"
        )
    test = [i for i, signer in enumerate(dataset.signers) if signer in out]
    return [i for i, signer in enumerate(dataset.signers) if signer not in out], test


def bursts_of(data: SizedDataset) -> list[tuple] | None:
    """Returns (folder, signer, sign, light) of each item, or None if a signer is not known.

    Where the light is not known either, all images of a signer's sign are one burst.
    """
    indices = list(range(len(data)))
    while isinstance(data, Subset):
        indices = [data.indices[i] for i in indices]
        data = cast(SizedDataset, data.dataset)
    if not isinstance(data, ASLDataset) or None in data.signers:
        return None
    # Signer 1 of another folder is somebody else. The sign comes from the class folder's name, not
    # from the label, so that a corrected label does not part a frame from its burst.
    places = [Path(file).parent for file in data.image_files]
    roots = {parent: str(parent.resolve()) for parent in {place.parent for place in places}}
    return [
        (roots[places[i].parent], data.signers[i], places[i].name.lower(), data.lights[i] or "")
        for i in indices
    ]
