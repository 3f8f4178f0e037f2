"""The commands that measure models and data: each turns its arguments into one call."""

import argparse
import dataclasses
import json
import platform
from pathlib import Path

import torch

from asl.commands.arguments import count
from asl.data import IMAGE_SIZE, ASLDataset
from asl.devices import default_device
from asl.evaluation.baseline import NearestNeighbour
from asl.evaluation.cross_validation import cross_validate
from asl.evaluation.label_audit import audit_dataset
from asl.evaluation.leakage import check_leakage
from asl.files import write_text
from asl.recognizer.networks import ARCHITECTURES
from asl.sources import find_dataset
from asl.splits import SPLITS, load_asl_data

# The recogniser's networks need larger images and another recipe; `train` is for them.
MODELS = {"nearest": NearestNeighbour} | {
    name: ARCHITECTURES[name] for name in ("mlp", "cnn", "cnn-channel")
}

# --- evaluate -------------------------------------------------------------------------------------


def add_evaluate(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `evaluate`, beside --data and --json."""
    sub.set_defaults(command=evaluate)
    sub.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=list(MODELS),
        metavar="MODEL",
        help=f"models to test, of {', '.join(MODELS)} (default: all)",
    )
    _add_training(sub, "signer", seeds=1)
    sub.add_argument("--calibrate", action="store_true", help="also fit temperatures")


def evaluate(options: argparse.Namespace) -> tuple[dict, str]:
    """Cross-validates models."""
    dataset = _dataset(options)
    models = {
        name: cross_validate(
            MODELS[name], dataset, calibrate=options.calibrate, **_training(options)
        ).scores()
        for name in options.models
    }
    result = {"setting": _setting(options, dataset), "models": models}
    _write(result, options.output)
    return result, _table(models)


def _table(models: dict[str, dict]) -> str:
    """Returns a line for each model: percentages, as mean ± standard deviation over seeds."""
    import pandas as pd  # 0.3 s that only this table needs to spend

    rows = {}
    for name, scores in models.items():
        shapes = scores["shapes_33"]
        worst = shapes.get("worst_signer")
        rows[name] = {
            "36 labels": _percent(scores["labels_36"]["accuracy"]),
            "33 shapes": _percent(shapes["accuracy"]),
            "mean of signers": _percent(shapes.get("signer_mean")),
            "worst signer": _percent(worst)
            + (f" (signer {worst['signer']}, n = {worst['n']})" if worst else ""),
            "calibration error": _percent(shapes["ece"]),
            "calibrated": _percent(shapes.get("ece_calibrated")),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    # Headings hold single spaces, so two keep them apart.
    text = table.to_string(col_space=[len(heading) + 2 for heading in table])
    return f"{text}\nin percent; all columns but the first are for 33 shapes"


def _percent(value: dict | None) -> str:
    if value is None:
        return "-"
    sd = "" if value["sd"] is None else f" ± {100 * value['sd']:.1f}"
    return f"{100 * value['mean']:.1f}{sd}"


# --- audit ----------------------------------------------------------------------------------------


def add_audit(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `audit`, beside --data and --json."""
    sub.set_defaults(command=audit)
    sub.add_argument(
        "--model", choices=MODELS, default="cnn", help="model to train (default: %(default)s)"
    )
    _add_training(sub, "burst", seeds=3)
    sub.add_argument(
        "--top", type=count, default=20, metavar="N", help="rows shown (default: %(default)s)"
    )


def audit(options: argparse.Namespace) -> tuple[dict, str]:
    """Ranks images by how likely their sign is to be wrong."""
    dataset = _dataset(options)
    table = audit_dataset(dataset, make_model=MODELS[options.model], **_training(options))
    table = table.head(options.top).round({"score": 4})
    table["file"] = [Path(f).relative_to(dataset.data_dir).as_posix() for f in table["file"]]
    ranked = table.to_dict("records")
    result = {"setting": _setting(options, dataset), "ranked": ranked}
    _write(result, options.output)
    return result, table.to_string()


# --- leakage --------------------------------------------------------------------------------------


def add_leakage(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `leakage`, beside --data and --json."""
    sub.set_defaults(command=leakage)
    sub.add_argument(
        "--split",
        choices=SPLITS,
        default="random",
        help="how to split --data (default: %(default)s)",
    )
    sub.add_argument(
        "--test-signer",
        type=int,
        nargs="+",
        metavar="N",
        help="signers to leave out with --split signer, which needs them (default: none)",
    )
    sub.add_argument("--seed", type=int, default=0, help="seed of the split (default: %(default)s)")
    sub.add_argument(
        "--train",
        metavar="DIR",
        help="training images, to compare with --test instead of splitting --data (default: none)",
    )
    sub.add_argument("--test", metavar="DIR", help="test images, for --train (default: none)")


def leakage(options: argparse.Namespace) -> tuple[dict, str]:
    """Reports what a test part shares with a training part."""
    if (options.train is None) != (options.test is None):
        raise ValueError(
            f"expected both --train and --test or neither, found --train {options.train}, "
            f"--test {options.test}"
        )
    if options.train is not None:
        found = check_leakage(ASLDataset(options.train), ASLDataset(options.test))
    else:
        train, test = load_asl_data(
            find_dataset(options.data),
            split=options.split,
            test_signer=options.test_signer,
            seed=options.seed,
        )
        found = check_leakage(train, test)
    return dataclasses.asdict(found), str(found)


# --- shared ---------------------------------------------------------------------------------------


def _add_training(sub: argparse.ArgumentParser, protocol: str, seeds: int) -> None:
    sub.add_argument(
        "--protocol",
        choices=SPLITS,
        default=protocol,
        help="the unit held out together: images, bursts or signers (default: %(default)s)",
    )
    sub.add_argument(
        "--seeds",
        type=count,
        default=seeds,
        metavar="N",
        help="number of seeds, 0 to N - 1 (default: %(default)s)",
    )
    sub.add_argument(
        "--epochs",
        type=count,
        default=10,
        metavar="N",
        help="epochs of each training (default: %(default)s)",
    )
    sub.add_argument(
        "--image-size",
        type=count,
        default=IMAGE_SIZE,
        metavar="PIXELS",
        help="side of the images that a model reads (default: %(default)s)",
    )
    sub.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="JSON file to write the result to (default: none)",
    )
    sub.add_argument(
        "--corrected", action="store_true", help="use the corrected labels of asl.corrections"
    )
    sub.add_argument(
        "--workers",
        type=count,
        default=1,
        metavar="N",
        help="number of processes (default: %(default)s)",
    )
    sub.add_argument(
        "--resume-dir",
        metavar="DIR",
        default="build/folds",
        help="folder that keeps finished folds, so that an interrupted call can go on "
        "(default: %(default)s)",
    )


def _dataset(options: argparse.Namespace) -> ASLDataset:
    folder = find_dataset(options.data)
    return ASLDataset(folder, image_size=options.image_size, corrected=options.corrected)


def _training(options: argparse.Namespace) -> dict:
    """Returns the options of `cross_validate` that the command line sets."""
    return {
        "protocol": options.protocol,
        "seeds": range(options.seeds),
        "workers": options.workers,
        "resume_dir": options.resume_dir,
        "epochs": options.epochs,
    }


def _setting(options: argparse.Namespace, dataset: ASLDataset) -> dict:
    """Returns what a reader needs to know to repeat a result."""
    return {
        "command": options.command_line,
        "protocol": options.protocol,
        "images": len(dataset),
        "image_size": options.image_size,
        "corrected": options.corrected,
        "epochs": options.epochs,
        "seeds": options.seeds,
        "hardware": f"{default_device().type}, {torch.get_num_threads()} threads, "
        f"{platform.machine()}",
        "torch": torch.__version__,
    }


def _write(result: dict, output: Path | None) -> None:
    if output is not None:
        write_text(output, _compact(result) + "\n")


def _compact(value, indent: str = "") -> str:
    """Returns JSON with one line for each entry, not one for each number."""
    nested = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(v, dict) for v in nested):
        return json.dumps(value)
    inner = indent + " "
    if isinstance(value, list):
        opening, closing = "[]"
        entries = [_compact(v, inner) for v in value]
    else:
        opening, closing = "{}"
        entries = [f"{json.dumps(k)}: {_compact(v, inner)}" for k, v in value.items()]
    body = ",\n".join(inner + entry for entry in entries)
    return f"{opening}\n{body}\n{indent}{closing}"
