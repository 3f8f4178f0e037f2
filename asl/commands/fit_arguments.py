"""The arguments of the command `fit`. Imports nothing heavy."""

import argparse

from asl.commands.arguments import Distinct, add_corrected, add_numbers, count, output_file

# What `asl.recognizer.networks` and `asl.splits`, which import torch, define: a test holds these
# equal to it.
IMAGE_SIZES = {"mlp": 28, "cnn": 28, "cnn-channel": 28, "resnet": 64, "mobile": 112}
SPLITS = ("random", "burst", "signer")


def positive(text: str) -> float:
    """Reads a number above 0."""
    try:
        if 0 < float(text) < float("inf"):
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")


def add_fit(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `fit`, beside --data and --json."""
    sub.add_argument(
        "--model",
        choices=IMAGE_SIZES,
        default="cnn",
        help="the architecture (default: %(default)s)",
    )
    numbers = (
        ("epochs", count, 10, "N", "passes over the training part"),
        ("batch-size", count, 64, "N", "images in a step of all processes together"),
        ("lr", positive, 1e-3, "RATE", "peak learning rate"),
        ("seed", int, 0, "N", "seed of weights, order and dropout"),
    )
    add_numbers(sub, numbers)
    sub.add_argument(
        "--image-size",
        type=count,
        metavar="PIXELS",
        help="side of the images (default: 28 for mlp and cnn, 64 for resnet, 112 for mobile)",
    )
    sub.add_argument(
        "--split",
        choices=SPLITS,
        default="random",
        help="the unit held out together: images, bursts or signers (default: %(default)s)",
    )
    sub.add_argument(
        "--test-signer",
        type=int,
        nargs="+",
        action=Distinct,
        metavar="N",
        help="signers to test on; needed with --split signer (default: none)",
    )
    sub.add_argument(
        "--split-seed", type=int, default=0, metavar="N", help="seed of the split (default: 0)"
    )
    sub.add_argument("--augment", action="store_true", help="change training images at random")
    sub.add_argument(
        "--half-precision", action="store_true", help="compute in bfloat16 where that is safe"
    )
    add_corrected(sub)
    sub.add_argument(
        "--checkpoint",
        type=output_file,
        metavar="FILE",
        help="file that keeps the state after every epoch, so that the same command goes on where "
        "it was interrupted (default: none)",
    )
    sub.add_argument(
        "--output",
        type=output_file,
        metavar="FILE",
        help="file to write the model to, for asl.load_model (default: none)",
    )
    sub.add_argument(
        "--device", help="where to compute (default: CUDA if there is any, else MPS, else the CPU)"
    )
    sub.add_argument("--threads", type=count, metavar="N", help="CPU threads (default: all cores)")
