"""The arguments of the commands that measure models and data. Imports nothing heavy."""

import argparse

from asl.commands.arguments import Distinct, add_corrected, count, output_file, output_folder
from asl.signs import IMAGE_SIZE

# The recogniser's networks need larger images and another recipe; `train` is for them.
MODEL_NAMES = ("nearest", "mlp", "cnn", "cnn-channel")
SPLITS = ("random", "burst", "signer")  # those of `asl.splits`, which imports torch


def add_evaluate(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `evaluate`, beside --data and --json."""
    sub.add_argument(
        "--models",
        nargs="+",
        action=Distinct,
        choices=MODEL_NAMES,
        default=list(MODEL_NAMES),
        metavar="MODEL",
        help=f"models to test, from {', '.join(MODEL_NAMES)} (default: all)",
    )
    _add_training(sub, "signer", seeds=1)
    sub.add_argument(
        "--calibrate", action="store_true", help="also fit temperatures to the confidences"
    )


def add_audit(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `audit`, beside --data and --json."""
    sub.add_argument(
        "--model", choices=MODEL_NAMES, default="cnn", help="model to train (default: %(default)s)"
    )
    _add_training(sub, "burst", seeds=3)
    sub.add_argument(
        "--top", type=count, default=20, metavar="N", help="rows shown (default: %(default)s)"
    )


def add_leakage(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `leakage`, beside --data and --json."""
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
        action=Distinct,
        metavar="N",
        help="signers to leave out; needed with --split signer (default: none)",
    )
    sub.add_argument("--seed", type=int, default=0, help="seed of the split (default: %(default)s)")
    sub.add_argument(
        "--train",
        metavar="DIR",
        help="training images, to compare with --test instead of splitting --data (default: none)",
    )
    sub.add_argument("--test", metavar="DIR", help="test images, for --train (default: none)")


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
        type=output_file,
        metavar="FILE",
        help="JSON file to write the result to (default: none)",
    )
    add_corrected(sub)
    sub.add_argument(
        "--workers",
        type=count,
        default=1,
        metavar="N",
        help="number of processes (default: %(default)s)",
    )
    sub.add_argument(
        "--resume-dir",
        type=output_folder,
        metavar="DIR",
        default="build/folds",
        help="folder that keeps finished folds, so that an interrupted call can go on "
        "(default: %(default)s)",
    )
