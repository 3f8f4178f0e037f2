"""The arguments of the commands about the recogniser. Imports nothing heavy."""

import argparse
from pathlib import Path

from asl.commands.arguments import Distinct, add_corrected, count, output_file, output_folder

# What `asl.recognizer` defines in modules that import torch: a test holds these, and the defaults
# below, equal to it.
ARCHITECTURES = ("mlp", "cnn", "cnn-channel", "resnet", "mobile")
FORMATS = ("pt2", "onnx")  # and "web", which is a folder
EPOCHS = {"mobile": 4, "cnn": 26}

_WEIGHTS = "a recogniser's weights (default: those that ship)"


def add_train(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `train`, beside --data and --json."""
    add_corrected(sub)
    sub.add_argument(
        "--model",
        choices=ARCHITECTURES,
        default="mobile",
        help="the classifier's architecture (default: %(default)s)",
    )
    sub.add_argument(
        "--image-size",
        type=count,
        default=112,
        metavar="PIXELS",
        help="side of the crops (default: %(default)s)",
    )
    sub.add_argument(
        "--pretrained",
        type=Path,
        metavar="WHEEL",
        help="wheel of mediapipe 0.10.21, for the networks' first weights (default: random)",
    )
    sub.add_argument(
        "--rendered",
        type=Path,
        metavar="DIR",
        help="rendered hands to train with as well; the finder is trained on them alone "
        "(default: none)",
    )
    sub.add_argument(
        "--photographs",
        type=Path,
        nargs="+",
        action=Distinct,
        default=[],
        metavar="DIR",
        help="photographs of other people's hands to train the readers with as well, a folder "
        "with class folders for each source (default: none)",
    )
    sub.add_argument(
        "--finder",
        type=Path,
        metavar="FILE",
        help="weights of a recogniser whose finder to take (default: train one)",
    )
    sub.add_argument(
        "--finder-only",
        action="store_true",
        help="train only the finder, which other trainings then take with --finder",
    )
    sub.add_argument(
        "--leave-out",
        type=int,
        nargs="+",
        action=Distinct,
        default=[],
        metavar="SIGNER",
        help="signers not to train with (default: none)",
    )
    sub.add_argument(
        "--epochs",
        type=count,
        metavar="N",
        help="epochs of the classifier "
        f"(default: {EPOCHS['mobile']} for mobile, else {EPOCHS['cnn']})",
    )
    sub.add_argument(
        "--finder-epochs",
        type=count,
        default=2,
        metavar="N",
        help="epochs of the finder, the network that finds the hand (default: %(default)s)",
    )
    sub.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of weights, order and changes to images (default: %(default)s)",
    )
    sub.add_argument(
        "--checkpoint",
        type=output_folder,
        metavar="DIR",
        help="folder that keeps the state after every epoch, so that the same command goes on "
        "where it was interrupted (default: none)",
    )
    sub.add_argument("--threads", type=count, metavar="N", help="CPU threads (default: all cores)")
    _add_output(sub)


def add_calibrate(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `calibrate`, beside --data and --json."""
    add_corrected(sub)
    sub.add_argument("weights", type=Path, metavar="FILE", help="weights that `train` wrote")
    sub.add_argument(
        "--unseen",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="weights trained with --leave-out; no signer may be left out of two of them",
    )
    sub.add_argument(
        "--photographs",
        type=Path,
        nargs="+",
        action=Distinct,
        default=[],
        metavar="DIR",
        help="photographs of other people's hands, a folder for each source; one of --unseen must "
        "have been trained without it (default: none)",
    )
    _add_output(sub)


def add_predict(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `predict`, beside --json."""
    sub.add_argument(
        "pictures", type=Path, nargs="+", metavar="PHOTO", help="pictures, or folders of them"
    )
    sub.add_argument("--weights", metavar="FILE", help=_WEIGHTS)
    sub.add_argument(
        "--top",
        type=count,
        default=3,
        metavar="N",
        help="answers for each picture (default: %(default)s)",
    )
    sub.add_argument(
        "--follow-links",
        action="store_true",
        help="also read links that lead out of a folder, instead of leaving them out",
    )
    sub.add_argument(
        "--gallery",
        type=output_file,
        metavar="FILE",
        help="draw all pictures with their answers into this file, wrong answers in red "
        "(default: none)",
    )


def add_export(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `export`, beside --json."""
    sub.add_argument("folder", type=output_folder, metavar="DIR", help="folder to write into")
    sub.add_argument("--weights", metavar="FILE", help=_WEIGHTS)
    sub.add_argument(
        "--format",
        choices=(*FORMATS, "web"),
        default="pt2",
        help="pt2 is for torch.export; web is a page that reads the hand in front of a camera, in "
        "any browser; it and onnx need the extra 'onnx' (default: %(default)s)",
    )
    sub.add_argument(
        "--runtime",
        type=Path,
        metavar="DIST",
        help="folder dist of the npm package onnxruntime-web, to copy its files into the page "
        "(default: the page fetches them from jsdelivr.net)",
    )


def _add_output(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--output",
        type=output_file,
        required=True,
        metavar="FILE",
        help="file to write the weights to",
    )
