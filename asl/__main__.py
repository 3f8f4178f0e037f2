"""The command line: `python -m asl COMMAND`; `--help`, alone or after a command, says more."""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import shlex
import sys
from pathlib import Path

import torch

from asl.audit import audit_dataset
from asl.baseline import NearestNeighbour
from asl.cross_validation import cross_validate
from asl.data import IMAGE_SIZE, ASLDataset
from asl.leakage import check_leakage
from asl.models import ARCHITECTURES
from asl.recognizer_commands import add_calibrate, add_export, add_predict, add_train
from asl.rendering import LIGHTS
from asl.signs import SIGNS
from asl.sources import find_dataset
from asl.splits import SPLITS, load_asl_data
from asl.synthetic import synthesize
from asl.training import default_device

# The residual network needs a larger size and another recipe: `train` is for it.
MODELS = {"nearest": NearestNeighbour} | {
    name: ARCHITECTURES[name] for name in ("mlp", "cnn", "cnn-channel")
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, or 2 with a message for bad input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.command_line = shlex.join(["python", "-m", "asl", *arguments])
    options.status = 0
    try:
        # What is printed on the way (the folder found, sizes, bars) does not mix with the result.
        with contextlib.redirect_stdout(sys.stderr):
            result, text = options.command(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1) if options.json else text)
    return options.status


# --- evaluate ------------------------------------------------------------------------------------


def _evaluate(options: argparse.Namespace) -> tuple[dict, str]:
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
    """Returns a line a model: accuracies in percent, mean ± standard deviation over seeds."""
    head = (
        "model",
        "36 labels",
        "33 shapes",
        "mean of signers",
        "worst signer",
        "ECE",
        "calibrated",
    )
    rows = []
    for name, scores in models.items():
        shapes = scores["shapes_33"]
        worst = shapes.get("worst_signer")
        rows.append(
            (
                name,
                _percent(scores["labels_36"]["accuracy"]),
                _percent(shapes["accuracy"]),
                _percent(shapes["signer_mean"]) if worst else "-",
                f"{_percent(worst)} (signer {worst['signer']}, n = {worst['n']})" if worst else "-",
                _percent(shapes["ece"]),
                _percent(shapes["ece_calibrated"]) if "ece_calibrated" in shapes else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)]
    return "\n".join([*lines, "in percent; the last four for 33 shapes"])


def _percent(value: dict) -> str:
    sd = "" if value["sd"] is None else f" ± {100 * value['sd']:.1f}"
    return f"{100 * value['mean']:.1f}{sd}"


# --- audit and leakage ---------------------------------------------------------------------------


def _audit(options: argparse.Namespace) -> tuple[dict, str]:
    dataset = _dataset(options)
    table = audit_dataset(dataset, make_model=MODELS[options.model], **_training(options))
    table = table.head(options.top).round({"score": 4})
    table["file"] = [Path(f).relative_to(dataset.data_dir).as_posix() for f in table["file"]]
    ranked = table.to_dict("records")
    result = {"setting": _setting(options, dataset), "ranked": ranked}
    _write(result, options.output)
    return result, table.to_string()


def _leakage(options: argparse.Namespace) -> tuple[dict, str]:
    if (options.train is None) != (options.test is None):
        raise ValueError(
            f"expected both --train and --test or neither, found --train {options.train}, "
            f"--test {options.test}"
        )
    if options.train is not None:
        train, test = (ASLDataset(folder) for folder in (options.train, options.test))
    else:
        train, test = load_asl_data(
            find_dataset(options.data),
            split=options.split,
            test_signer=options.test_signer,
            seed=options.seed,
        )
    leakage = check_leakage(train, test)
    return dataclasses.asdict(leakage), str(leakage)


# --- synthesize ----------------------------------------------------------------------------------


def _synthesize(options: argparse.Namespace) -> tuple[dict, str]:
    folder = synthesize(
        options.folder,
        signers=options.signers,
        seed=options.seed,
        size=options.size,
        signs=options.signs,
        lights=options.lights,
        frames=options.frames,
        quality=options.quality,
        workers=options.workers,
        force=options.force,
    )
    count = options.signers * len(options.signs) * len(options.lights) * options.frames
    result = {"folder": str(folder), "images": count}
    return result, f"{count:,} rendered hands (not photographs) in {folder}"


def _compare(options: argparse.Namespace) -> tuple[dict, str]:
    from asl.pictures import plot_signs  # matplotlib, which no other command needs

    first = ASLDataset(options.folder, image_size=200)
    second = ASLDataset(find_dataset(options.data), image_size=200)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    plot_signs(first, second).savefig(options.output, dpi=150)
    return {
        "picture": str(options.output)
    }, f"every sign of both, one above the other: {options.output}"


# --- shared by the commands ----------------------------------------------------------------------


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
    """Returns what a reader needs to repeat a result."""
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
        draft = output.with_suffix(".tmp")
        draft.write_text(_compact(result) + "\n")
        os.replace(draft, output)  # an interruption leaves the old file or the new one


def _compact(value, indent: str = "") -> str:
    """Returns JSON with a line for each entry, but no line for each number."""
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


# --- arguments -----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m asl", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        sub.add_argument("--data", metavar="DIR", help="images (default: as asl.find_dataset)")
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
        return sub

    def add_training(sub: argparse.ArgumentParser, protocol: str, seeds: int) -> None:
        sub.add_argument("--protocol", choices=SPLITS, default=protocol, help="what a fold is")
        sub.add_argument("--seeds", type=_count, default=seeds, metavar="N", help="0 to N - 1")
        sub.add_argument("--epochs", type=_count, default=10, metavar="N")
        sub.add_argument("--image-size", type=_count, default=IMAGE_SIZE, metavar="PIXELS")
        sub.add_argument("--output", type=Path, metavar="FILE", help="write the JSON here")
        sub.add_argument(
            "--corrected", action="store_true", help="with the labels of asl.corrections"
        )
        sub.add_argument("--workers", type=_count, default=1, metavar="N", help="processes")
        sub.add_argument(
            "--resume-dir",
            metavar="DIR",
            default="build/folds",
            help="finished folds are kept here, and an interrupted call goes on from them "
            "(default: %(default)s)",
        )

    sub = add(
        "evaluate", _evaluate, "Cross-validate models: each image answered once, out of fold."
    )
    sub.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=list(MODELS),
        metavar="MODEL",
        help=f"of {', '.join(MODELS)} (default: all)",
    )
    add_training(sub, "signer", seeds=1)
    sub.add_argument("--calibrate", action="store_true", help="fit temperatures as well")

    sub = add("audit", _audit, "Rank images by how probably their sign is wrong.")
    sub.add_argument("--model", choices=MODELS, default="cnn")
    add_training(sub, "burst", seeds=3)
    sub.add_argument("--top", type=_count, default=20, metavar="N", help="rows shown")

    sub = add("leakage", _leakage, "Report what a test part shares with a training part.")
    sub.add_argument("--split", choices=SPLITS, default="random", help="split --data like this")
    sub.add_argument("--test-signer", type=int, nargs="+", metavar="N", help="for --split signer")
    sub.add_argument("--seed", type=int, default=0, help="of the split")
    sub.add_argument("--train", metavar="DIR", help="or compare two folders: this one")
    sub.add_argument("--test", metavar="DIR", help="with this one")

    text = "Read the hand shape in pictures; score a folder laid out like the dataset."
    sub = commands.add_parser("predict", help=text, description=text)
    add_predict(sub)
    sub.add_argument("--json", action="store_true", help="print the result as JSON")

    text = "Write the recogniser's networks for torch.export or ONNX, checked."
    sub = commands.add_parser("export", help=text, description=text)
    add_export(sub)
    sub.add_argument("--json", action="store_true", help="print the result as JSON")

    sub = add("train", None, "Train a recogniser and write its weights (needs the extra 'train').")
    sub.add_argument("--corrected", action="store_true", help="with the labels of asl.corrections")
    add_train(sub)

    sub = add("calibrate", None, "Calibrate a recogniser on people and pictures it has not seen.")
    sub.add_argument("--corrected", action="store_true", help="with the labels of asl.corrections")
    add_calibrate(sub)

    text = "Write rendered signers in the layout of the real images (needs the extra 'render')."
    sub = commands.add_parser("synthesize", help=text, description=text)
    sub.set_defaults(command=_synthesize)
    sub.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or an empty one")
    sub.add_argument("--signers", type=int, default=5, metavar="N")
    sub.add_argument("--seed", type=int, default=0, help="which people (default: %(default)s)")
    sub.add_argument("--size", type=int, default=400, metavar="PIXELS")
    sub.add_argument("--signs", nargs="+", default=list(SIGNS), metavar="SIGN")
    sub.add_argument("--lights", nargs="+", default=["dif", "top"], help=f"of {', '.join(LIGHTS)}")
    sub.add_argument("--frames", type=int, default=5, metavar="N", help="pictures to a burst")
    sub.add_argument("--quality", type=int, default=92, help="of the JPEGs (default: %(default)s)")
    sub.add_argument("--workers", type=_count, metavar="N", help="processes (default: all cores)")
    sub.add_argument("--force", action="store_true", help="replace what is in DIR")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")

    sub = add("compare", _compare, "Draw one image of each sign of two folders, to look at.")
    sub.add_argument("folder", metavar="DIR", help="such as rendered hands, drawn above --data")
    sub.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("build/compare.png"),
        help="the picture, not to be published with photographs in it (%(default)s)",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
