"""The commands of `python -m asl` about rendered hands: arguments in, one call out."""

import argparse
from pathlib import Path

from asl.commands.arguments import count
from asl.data import ASLDataset
from asl.files import written_whole
from asl.rendering import dataset
from asl.rendering.pose_variants import TAUGHT
from asl.rendering.render import LIGHTS
from asl.signs import SIGNS
from asl.sources import find_dataset

# --- synthesize -----------------------------------------------------------------------------------


def add_synthesize(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `synthesize`, beside --json."""
    sub.set_defaults(command=synthesize)
    sub.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or an empty one")
    sub.add_argument("--signers", type=int, default=5, metavar="N")
    sub.add_argument("--seed", type=int, default=0, help="which people (default: %(default)s)")
    sub.add_argument("--size", type=int, default=400, metavar="PIXELS")
    sub.add_argument("--signs", nargs="+", default=list(SIGNS), metavar="SIGN")
    sub.add_argument("--lights", nargs="+", default=["dif", "top"], help=f"of {', '.join(LIGHTS)}")
    sub.add_argument("--frames", type=int, default=5, metavar="N", help="pictures to a burst")
    sub.add_argument("--quality", type=int, default=92, help="of the JPEGs (default: %(default)s)")
    sub.add_argument(
        "--turned",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="how far hands are turned, relative to the dataset's (default: %(default)s)",
    )
    sub.add_argument(
        "--taught",
        nargs="*",
        metavar="SIGN",
        help="signs to make as they are taught, where the dataset's people make them otherwise: "
        f"all of {' '.join(TAUGHT)}, or those given",
    )
    sub.add_argument("--workers", type=count, metavar="N", help="processes (default: all cores)")
    sub.add_argument("--force", action="store_true", help="replace what is in DIR")


def synthesize(options: argparse.Namespace) -> tuple[dict, str]:
    """Writes rendered signers."""
    # Without any signs after it, the option means all.
    taught = () if options.taught is None else options.taught or TAUGHT
    folder = dataset.synthesize(
        options.folder,
        signers=options.signers,
        seed=options.seed,
        size=options.size,
        signs=options.signs,
        lights=options.lights,
        frames=options.frames,
        quality=options.quality,
        turned=options.turned,
        taught=taught,
        workers=options.workers,
        force=options.force,
    )
    images = options.signers * len(options.signs) * len(options.lights) * options.frames
    result = {"folder": str(folder), "images": images}
    return result, f"{images:,} rendered hands (not photographs) in {folder}"


# --- compare --------------------------------------------------------------------------------------


def add_compare(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `compare`, beside --data and --json."""
    sub.set_defaults(command=compare)
    sub.add_argument("folder", metavar="DIR", help="such as rendered hands, drawn above --data")
    sub.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("build/compare.png"),
        help="the picture, not to be published with photographs in it (%(default)s)",
    )


def compare(options: argparse.Namespace) -> tuple[dict, str]:
    """Draws one image of each sign of two folders."""
    from asl.plots.images import plot_signs  # matplotlib, which no other command needs

    first = ASLDataset(options.folder, image_size=200)
    second = ASLDataset(find_dataset(options.data), image_size=200)
    with written_whole(options.output) as draft:
        plot_signs(first, second).savefig(draft, dpi=150)
    return {
        "picture": str(options.output)
    }, f"every sign of both, one above the other: {options.output}"
