"""The commands about rendered hands: each turns its arguments into one call of the package."""

import argparse
import hashlib
import os
import zipfile
from dataclasses import fields
from pathlib import Path

from PIL import Image

from asl.data import ASLDataset
from asl.files import progress_bar, written_whole
from asl.live.page_files import PAGE
from asl.rendering import dataset
from asl.rendering.dataset import DatasetOptions
from asl.rendering.pose_variants import TAUGHT
from asl.rendering.two_sides import render_two_sides
from asl.signs import SIGNS
from asl.sources import ARCHIVE, checksum_of, find_dataset

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same images make the same archive, whenever it is packed

# --- synthesize -----------------------------------------------------------------------------------


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


def compare(options: argparse.Namespace) -> tuple[dict, str]:
    """Draws one image of each sign of two folders."""
    from asl.plots.images import plot_signs  # matplotlib, which no other command needs

    first = ASLDataset(options.folder, image_size=200)
    second = ASLDataset(find_dataset(options.data), image_size=200)
    with written_whole(options.output) as draft:
        plot_signs(first, second).savefig(draft, dpi=150)
    result = {"picture": str(options.output)}
    return result, f"every sign from both folders, one above the other: {options.output}"


# --- the camera page's signs, `make page-signs` ---------------------------------------------------


def draw_page_signs(folder: str | os.PathLike = PAGE / "signs", *, size: int = 200) -> int:
    """Draws every sign from two sides for the camera page; returns how many bytes they take."""
    with written_whole(folder) as draft:
        draft.mkdir()
        for sign in progress_bar(SIGNS, "Rendering", len(SIGNS)):
            image = Image.fromarray(render_two_sides(sign, size=size))
            image.save(draft / f"{sign}.webp", quality=80, method=6)
    return sum(path.stat().st_size for path in Path(folder).iterdir())


# --- the stand-in, `make stand-in` ----------------------------------------------------------------


def pack_stand_in(folder: str | os.PathLike) -> int:
    """Packs a folder of rendered hands into the archive that ships; returns its size in bytes."""
    source = Path(folder)
    # Neither takes its name before both are written: they must fit each other.
    with written_whole(ARCHIVE) as draft, written_whole(checksum_of(ARCHIVE)) as checksum:
        with zipfile.ZipFile(draft, "w") as packed:  # not compressed: JPEGs do not get smaller
            for path in sorted(path for path in source.rglob("*") if path.is_file()):
                name = path.relative_to(source).as_posix()
                packed.writestr(zipfile.ZipInfo(name, _LONG_AGO), path.read_bytes())
        data = draft.read_bytes()
        checksum.write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="utf-8")
    return len(data)
