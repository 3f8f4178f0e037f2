"""The commands that train and calibrate a recogniser. Using one imports none of this."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import Subset

from asl.augmentation.backgrounds import load_photographs
from asl.data import ASLDataset, known
from asl.decoding import shown
from asl.processes.group import ALONE, Processes
from asl.processes.joining import joined
from asl.recognizer.calibrate import calibrate_recognizer
from asl.recognizer.photograph_sources import check_source
from asl.recognizer.recipe import recipe_for, saved_recipe
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.train import train_recognizer
from asl.recognizer.unseen import answer_unseen, trained_with, trained_without
from asl.sources import find_dataset

# --- train ---------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> tuple[dict, str]:
    """Trains a recogniser and writes its weights, which are not calibrated yet."""
    if options.threads:
        torch.set_num_threads(options.threads)
    with joined() as processes:
        # One process adds up as the weights that ship were made.
        return _train(options, processes if processes.count > 1 else ALONE)


def _train(options: argparse.Namespace, processes: Processes) -> tuple[dict, str]:
    chosen = {name: getattr(options, name) for name in ("image_size", "finder_epochs", "seed")}
    if options.epochs is not None:
        chosen["epochs"] = options.epochs
    recipe = recipe_for(options.model, **chosen)
    size = recipe.image_size
    real, rendered, photographs = processes.one_after_another(
        lambda: (
            ASLDataset(find_dataset(options.data), image_size=size, corrected=options.corrected),
            options.rendered and ASLDataset(options.rendered, image_size=size),
            _photographs(options.photographs),
        )
    )
    signers = known(real.signers)
    if unknown := sorted({*options.leave_out} - {*signers}):
        raise ValueError(f"expected --leave-out of the signers {signers}, found {unknown}")
    seen = [i for i, signer in enumerate(real.signers) if signer not in options.leave_out]
    recognizer = train_recognizer(
        Subset(real, seen),
        rendered,
        load_photographs("train"),
        recipe,
        people=load_photographs("people"),
        photographs=list(photographs.values()),
        finder=options.finder and Recognizer.load(options.finder).finder,
        finder_only=options.finder_only,
        pretrained=options.pretrained,
        checkpoint=options.checkpoint,
        processes=processes,
    )
    recognizer.facts |= {
        "command": options.command_line,
        "images": len(seen),
        "rendered": len(rendered) if rendered else 0,
        "left_out": options.leave_out,
        "photographs": {name: len(some) for name, some in photographs.items()},
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),  # a training repeats exactly with as many
        **({"processes": processes.count} if processes.count > 1 else {}),
    }
    return processes.from_first(lambda: _save(recognizer, options.output))


def _photographs(folders: Sequence[Path]) -> dict[str, ASLDataset]:
    """Reads sources of photographs, each by the name of its folder."""
    names = [folder.resolve().name for folder in folders]
    if len({*names}) < len(names):
        raise ValueError(
            f"expected --photographs in folders of different names, found {', '.join(names)}"
        )
    found = {name: ASLDataset(folder) for name, folder in zip(names, folders, strict=True)}
    for name, photographs in found.items():
        check_source(name, photographs.image_files)
    return found


def _save(recognizer: Recognizer, output: Path) -> tuple[dict, str]:
    recognizer.save(output)
    lines = [shown(f"{name}: {value}") for name, value in recognizer.facts.items()]
    return recognizer.facts, "\n".join([f"weights: {shown(output)}", *lines])


# --- calibrate -----------------------------------------------------------------------------------


def _with_facts(path: Path) -> Recognizer:
    """Reads weights of which a calibration also uses what they say about themselves."""
    recognizer = Recognizer.load(path)
    try:
        saved_recipe(recognizer.facts)
        trained_without(recognizer), trained_with(recognizer)
    except ValueError as error:
        raise ValueError(f"'{shown(path)}' cannot be used for a calibration: {error}") from error
    return recognizer


def calibrate(options: argparse.Namespace) -> tuple[dict, str]:
    """Sets temperature and threshold from what others answer for signers they have not seen."""
    recognizer, *unseen = [_with_facts(path) for path in (options.weights, *options.unseen)]
    real = ASLDataset(find_dataset(options.data), corrected=options.corrected)
    sources = _photographs(options.photographs)
    found = calibrate_recognizer(recognizer, unseen, real, load_photographs("val"), sources)
    left_out = {signer for r in unseen for signer in trained_without(r)}
    unseen = [replace(other, finder=recognizer.finder) for other in unseen]  # as it read them
    shapes = answer_unseen(unseen, real).scores(real)["shapes_33"]
    recognizer.facts |= found | {
        "calibrated": options.command_line,
        "unseen_signers": [signer for signer in known(real.signers) if signer in left_out],
        "unseen_signers_33_shapes": shapes["accuracy"]["mean"],
        "worst_signer_33_shapes": shapes["worst_signer"]["mean"],
    }
    return _save(recognizer, options.output)
