"""The commands about rendered hands: each turns its arguments into one call of the package."""

import argparse
from dataclasses import fields
from pathlib import Path

from asl.commands.arguments import count
from asl.data import ASLDataset
from asl.files import written_whole
from asl.rendering import dataset
from asl.rendering.dataset import DatasetOptions
from asl.rendering.pose_variants import TAUGHT
from asl.rendering.render import LIGHTS
from asl.sources import find_dataset

# --- synthesize -----------------------------------------------------------------------------------


def add_synthesize(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `synthesize`, beside --json."""
    sub.set_defaults(command=synthesize)
    usual = DatasetOptions()
    sub.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or an empty one")
    for name, kind, metavar, text in (
        ("signers", int, "N", "how many people"),
        ("seed", int, "N", "which people; the same number draws the same people"),
        ("size", int, "PIXELS", "side of the pictures, 16 to 2048"),
        ("frames", int, "N", "pictures in a burst"),
        ("quality", int, "N", "quality of the JPEGs, 1 to 95"),
        ("turned", float, "FACTOR", "how far hands are turned, relative to the dataset's"),
    ):
        sub.add_argument(
            f"--{name}",
            type=kind,
            default=getattr(usual, name),
            metavar=metavar,
            help=f"{text} (default: %(default)s)",
        )
    sub.add_argument(
        "--signs",
        nargs="+",
        default=usual.signs,
        metavar="SIGN",
        help=f"which signs (default: all {len(usual.signs)})",
    )
    sub.add_argument(
        "--lights",
        nargs="+",
        default=usual.lights,
        metavar="LIGHT",
        help=f"any of {' '.join(LIGHTS)}, with one burst each (default: {' '.join(usual.lights)})",
    )
    sub.add_argument(
        "--taught",
        nargs="*",
        metavar="SIGN",
        help="make half of these signs as they are taught; the dataset's people make them in "
        f"another way. Without SIGN: {' '.join(TAUGHT)} (default: none)",
    )
    sub.add_argument("--workers", type=count, metavar="N", help="processes (default: all cores)")
    sub.add_argument("--force", action="store_true", help="replace DIR and everything in it")


def synthesize(options: argparse.Namespace) -> tuple[dict, str]:
    """Writes rendered people."""
    given = vars(options)
    chosen = {
        field.name: given[field.name] for field in fields(DatasetOptions) if field.name in given
    }
    # Without any signs after it, --taught means all of them.
    chosen["taught"] = () if options.taught is None else options.taught or tuple(TAUGHT)
    drawn = DatasetOptions(**chosen)
    folder = dataset.synthesize(options.folder, drawn, workers=options.workers, force=options.force)
    result = {"folder": str(folder), "images": drawn.images}
    return result, f"{drawn.images:,} rendered hands (not photographs) in {folder}"


# --- compare --------------------------------------------------------------------------------------


def add_compare(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `compare`, beside --data and --json."""
    sub.set_defaults(command=compare)
    sub.add_argument(
        "folder", metavar="DIR", help="more images, for example rendered hands; drawn above --data"
    )
    sub.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("build/compare.png"),
        help="the picture; do not publish photographs in it (default: %(default)s)",
    )


def compare(options: argparse.Namespace) -> tuple[dict, str]:
    """Draws one image of each sign of two folders."""
    from asl.plots.images import plot_signs  # matplotlib, which no other command needs

    first = ASLDataset(options.folder, image_size=200)
    second = ASLDataset(find_dataset(options.data), image_size=200)
    with written_whole(options.output) as draft:
        plot_signs(first, second).savefig(draft, dpi=150)
    result = {"picture": str(options.output)}
    return result, f"every sign from both folders, one above the other: {options.output}"
