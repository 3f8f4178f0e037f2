"""The command line, `asl COMMAND` or `python -m asl COMMAND`. `asl COMMAND --help` says more."""

import argparse
import contextlib
import json
import shlex
import sys
from collections.abc import Callable

import asl
from asl.commands.evaluation import add_audit, add_evaluate, add_leakage
from asl.commands.recognizer import add_calibrate, add_export, add_predict, add_train
from asl.commands.rendering import add_compare, add_synthesize

# Name, what declares its arguments, whether it takes --data, what it does.
_COMMANDS: tuple[tuple[str, Callable[[argparse.ArgumentParser], None], bool, str], ...] = (
    ("evaluate", add_evaluate, True, "Cross-validate models: every image is tested once."),
    ("audit", add_audit, True, "Rank images by how likely their sign is to be wrong."),
    ("leakage", add_leakage, True, "Report what a test part shares with a training part."),
    (
        "predict",
        add_predict,
        False,
        "Read the hand shape in pictures, and score a folder laid out like the dataset.",
    ),
    ("export", add_export, False, "Write the recogniser's networks for torch.export or ONNX."),
    ("train", add_train, True, "Train a recogniser and write its weights (needs extra 'train')."),
    ("calibrate", add_calibrate, True, "Calibrate a recogniser on people it has not seen."),
    (
        "synthesize",
        add_synthesize,
        False,
        "Write rendered people in the layout of the real images (needs extra 'render').",
    ),
    ("compare", add_compare, True, "Draw one image of each sign from each of two folders."),
)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: 0, or 2 and a message for bad input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.command_line = shlex.join(["python", "-m", "asl", *arguments])
    options.status = 0
    try:
        # What is printed on the way (the folder found, sizes, bars) must not mix with the result.
        with contextlib.redirect_stdout(sys.stderr):
            result, text = options.command(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1) if options.json else text)
    return options.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m asl", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"asl {asl.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, add_arguments, reads_data, text in _COMMANDS:
        sub = commands.add_parser(name, help=text, description=text)
        add_arguments(sub)
        if reads_data:
            sub.add_argument(
                "--data",
                metavar="DIR",
                help="folder of images (default: the one that asl.find_dataset finds)",
            )
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
