"""The command line, `asl COMMAND` or `python -m asl COMMAND`. `asl COMMAND --help` says more."""

import argparse
import contextlib
import io
import json
import os
import pkgutil
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import asl
from asl.commands.cache_arguments import add_cache
from asl.commands.evaluation_arguments import add_audit, add_evaluate, add_leakage
from asl.commands.fit_arguments import add_fit
from asl.commands.live_arguments import add_camera
from asl.commands.notebook_arguments import add_notebook
from asl.commands.recognizer_arguments import add_calibrate, add_export, add_predict, add_train
from asl.commands.rendering_arguments import add_compare, add_synthesize
from asl.processes.launch import launched


class _Command(NamedTuple):
    name: str
    runner: str  # imported once the arguments are right: a typo need not wait for torch
    add_arguments: Callable[[argparse.ArgumentParser], None]
    reads_data: bool  # whether it takes --data
    text: str
    example: str
    many: bool = False  # whether several processes, started by torchrun, share its work


_COMMANDS = (
    _Command(
        "fit",
        "asl.commands.fit:fit",
        add_fit,
        True,
        "Train a model, alone or in the processes that torchrun starts.",
        "--model cnn --output build/cnn.safetensors",
        many=True,
    ),
    _Command(
        "evaluate",
        "asl.commands.evaluation:evaluate",
        add_evaluate,
        True,
        "Cross-validate models: every image is tested once.",
        "--models mlp cnn --seeds 5 --output build/evaluate.json",
        many=True,
    ),
    _Command(
        "audit",
        "asl.commands.evaluation:audit",
        add_audit,
        True,
        "Rank images by how likely their sign is to be wrong.",
        "--top 10",
    ),
    _Command(
        "leakage",
        "asl.commands.evaluation:leakage",
        add_leakage,
        True,
        "Report what a test part shares with a training part.",
        "--split signer --test-signer 1",
    ),
    _Command(
        "predict",
        "asl.commands.recognizer:predict",
        add_predict,
        False,
        "Read the hand shape in pictures, and score a folder laid out like the dataset.",
        "my_hand.jpg",
        many=True,
    ),
    _Command(
        "camera",
        "asl.commands.live:camera",
        add_camera,
        False,
        "Read the hand in front of your camera, in a page that stays on this machine.",
        "--port 8000",
    ),
    _Command(
        "export",
        "asl.commands.recognizer:export",
        add_export,
        False,
        "Write the recogniser for torch.export, ONNX or a web page.",
        "build/export --format onnx",
    ),
    _Command(
        "train",
        "asl.commands.recognizer_training:train",
        add_train,
        True,
        "Train a recogniser and write its weights (needs extra 'train').",
        "--leave-out 1 --output build/without-1.safetensors",
        many=True,
    ),
    _Command(
        "calibrate",
        "asl.commands.recognizer_training:calibrate",
        add_calibrate,
        True,
        "Calibrate a recogniser on people it has not seen.",
        "build/all.safetensors --unseen build/no-1.safetensors --output build/done.safetensors",
    ),
    _Command(
        "synthesize",
        "asl.commands.rendering:synthesize",
        add_synthesize,
        False,
        "Write rendered people in the layout of the real images (needs extra 'render').",
        "build/people --signers 2 --signs a b c",
    ),
    _Command(
        "compare",
        "asl.commands.rendering:compare",
        add_compare,
        True,
        "Draw one image of each sign from each of two folders.",
        "build/people --output build/compare.png",
    ),
    _Command(
        "cache",
        "asl.commands.cache:cache",
        add_cache,
        False,
        "Show the decoded images that are kept for the next time, or remove them.",
        "--clear",
    ),
    _Command(
        "notebook",
        "asl.commands.notebook:notebook",
        add_notebook,
        False,
        "Run a notebook, and write it with its results and as a page that needs no network.",
        "asl_recognition.ipynb",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status.

    0: done. 1: the command says what failed. 2: bad input, with a message. 130: interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    count, rank = launched()
    try:
        options = _parser().parse_args(arguments)
        options.command_line = shlex.join(["python", "-m", "asl", *arguments])
        options.status = 0
        # Read when torch is imported; docs/install.md tells why, and what it saves.
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
        if count > 1 and not options.many:
            raise ValueError(f"expected one process for this command, found {count}")
        run = pkgutil.resolve_name(options.runner)
        # What is printed on the way (the folder found, sizes, bars) must not mix with the result.
        with contextlib.redirect_stdout(sys.stderr if rank == 0 else _Nowhere()):
            result, text = run(options)
    except (ValueError, OSError, ImportError) as error:
        if rank == 0 or not vars(error).get("of_all_processes"):
            of = f" in process {rank}" if rank else ""
            print(f"error{of}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    if rank == 0:
        print(json.dumps(result, indent=1) if options.json else text)
    return options.status


class _Nowhere(io.TextIOBase):
    """Where the processes print that are not the first."""

    def write(self, text: str) -> int:
        return len(text)


def _parser() -> argparse.ArgumentParser:
    program = "asl" if Path(sys.argv[0]).stem == "asl" else "python -m asl"
    parser = argparse.ArgumentParser(prog=program, description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"asl {asl.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.text,
            description=command.text,
            epilog=f"example: %(prog)s {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,  # the example stays one line
        )
        sub.set_defaults(runner=command.runner, many=command.many)
        command.add_arguments(sub)
        if command.reads_data:
            sub.add_argument(
                "--data",
                metavar="DIR",
                help="folder of images (default: the one that asl.find_dataset finds)",
            )
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
