"""What writes, and disks that fill up meanwhile: for `benchmarks/torture.py` and the tests."""

import argparse
import atexit
import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
import numpy as np
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from readers import (
    KINDS,
    pictures,
    small_model,
    small_recognizer,
    taught_recognizer,
    train_one_epoch,
    write_fold,
)

import asl
from asl.commands.notebook import _write
from asl.commands.recognizer import _draw_gallery
from asl.commands.rendering import compare, draw_page_signs, pack_stand_in
from asl.decoded.mapped_file import read_decoded, write_decoded
from asl.files import write_text
from asl.live.page_files import page_files
from asl.live.web_export import export_web
from asl.recognizer.export import export_recognizer, read_exported
from asl.rendering.dataset import MANIFEST, DatasetOptions, synthesize

_PAGE = 4096  # bytes


@dataclass(frozen=True)
class Writer:
    """Something that writes into a folder.

    Attributes:
        write: is given the folder.
        is_whole: tells whether the folder holds all of what was written.
        old: path → content of what was there before.
        sizes: of the disk that are tried at most. Some writers take a second each time.
        needs: a package without which it cannot be tried.
    """

    write: Callable[[Path], object]
    is_whole: Callable[[Path], bool]
    old: dict[str, bytes] = field(default_factory=dict)
    sizes: int = 200
    needs: str = "asl"


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the files in a folder, and drafts that were left."""
    found = [path for path in folder.rglob("*") if path.is_file() or path.name[0] == "."]
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else b"" for p in found}


def lay_out(folder: Path, files: dict[str, bytes]) -> None:
    """Makes a folder hold these files and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def fill_disk(name: str) -> dict[str, Any]:
    """Lets a writer write to disks of ever more free pages, until it has fitted three times.

    If it fits, all must be there. If not, an OSError must be raised, and what was there before must
    still be there, and nothing else.
    """
    torch.set_num_threads(1)
    writer = WRITERS[name]
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as there, tempfile.TemporaryDirectory() as disk:
        writer.write(Path(there))
        needed = sum(_PAGE + len(content) for content in contents(Path(there)).values())
        pages = 32 + 3 * needed // _PAGE
        command = ["mount", "-t", "tmpfs", "-o", f"size={pages * _PAGE}", "tmpfs", disk]
        subprocess.run(command, check=True)
        try:
            folder, ballast = Path(disk) / "files", Path(disk) / "ballast"
            for free in range(0, pages, max(1, pages // (3 * writer.sizes))):
                lay_out(folder, writer.old)
                ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - free * _PAGE)))
                try:
                    writer.write(folder)
                except OSError:
                    counts["refused"] += 1
                    if contents(folder) != writer.old:
                        faults.setdefault("something else left", []).append(free)
                except Exception as error:
                    faults.setdefault(type(error).__name__, []).append(free)
                else:
                    counts["written"] += 1
                    if not writer.is_whole(folder):
                        faults.setdefault("not whole", []).append(free)
                ballast.unlink()
                if counts["written"] == 3:
                    break
        finally:
            subprocess.run(["umount", disk], check=True)
    return {"counts": counts, "faults": faults}


# --- what is written ------------------------------------------------------------------------------


def _reads(kind: str) -> Callable[[Path], bool]:
    """Returns what tells whether the only file in a folder is a whole one of a kind."""

    def read(folder: Path) -> bool:
        (path,) = folder.iterdir()
        return KINDS[kind].read(path) is not None

    return read


def _unpack(folder: Path) -> None:
    with patch.dict(os.environ, {"ASL_CACHE_DIR": str(folder / "file")}):
        asl.unpack_stand_in()


@cache
def _folder_of_pictures() -> Path:
    """Returns a folder of two class folders with a picture each, which goes at the end."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # some read it as another user
    atexit.register(shutil.rmtree, folder)
    for sign, content in zip("ab", pictures(), strict=False):
        (folder / sign).mkdir()
        (folder / sign / "picture.png").write_bytes(content)
    return folder


def _draw(folder: Path) -> None:
    picture = _folder_of_pictures() / "a" / "picture.png"
    _draw_gallery(small_recognizer(), [(picture, "a")], folder / "file.png")


def _compare(folder: Path) -> None:
    some = _folder_of_pictures()
    with contextlib.redirect_stdout(io.StringIO()):  # it says where the images are
        compare(argparse.Namespace(folder=some, data=some, output=folder / "file.png"))


def _is_picture(folder: Path) -> bool:
    (path,) = folder.iterdir()
    with Image.open(path) as image:
        image.load()
        return image.width > 100


def _pack(folder: Path) -> None:
    with patch("asl.commands.rendering.ARCHIVE", folder / "hands.zip"):
        pack_stand_in(_folder_of_pictures())


def _are_packed(folder: Path) -> bool:
    with (
        patch("asl.sources.ARCHIVE", folder / "hands.zip"),
        tempfile.TemporaryDirectory() as unpacked,
    ):
        _unpack(Path(unpacked))
        return len(list(Path(unpacked).rglob("picture.png"))) == 2


def _export(folder: Path) -> None:
    export_recognizer(small_recognizer(), folder)


def _is_exported(folder: Path) -> bool:
    (path,) = folder.iterdir()
    return read_exported(path) is not None


_ONNX_PROGRAM: list[Any] = []


@contextlib.contextmanager
def _one_graph() -> Iterator[None]:
    """Lets torch turn the small recogniser into a graph once: it takes seconds, and no disk."""
    export = torch.onnx.export

    def once(*arguments: Any, **options: Any) -> Any:
        if not _ONNX_PROGRAM:
            _ONNX_PROGRAM.append(export(*arguments, **options))
        return _ONNX_PROGRAM[0]

    with patch("torch.onnx.export", once):
        yield


def _export_onnx(folder: Path) -> None:
    with _one_graph():
        export_recognizer(small_recognizer(), folder, format="onnx")


def _export_web(folder: Path) -> None:
    with _one_graph():
        export_web(small_recognizer(), folder / "web")


def _is_web(folder: Path) -> bool:
    web = folder / "web"
    names = {path.relative_to(web).as_posix() for path in web.rglob("*") if path.is_file()}
    whole = {*page_files(), "recognizer.onnx", "recognizer.json"} - {"engine_server.js"}
    page = (web / "index.html").read_text()
    facts = json.loads((web / "recognizer.json").read_text())
    read_exported(web / "recognizer.onnx")
    return names == whole and page.rstrip().endswith("</html>") and facts["engine"] == "web"


def _decode(folder: Path) -> None:
    write_decoded(folder / "file", "key", "a folder", _pictures(), 32, progress=False)


def _are_decoded(folder: Path) -> bool:
    found = read_decoded(folder / "file", "key", len(_pictures()))
    return len(list(folder.iterdir())) == 1 and len(found.mapped()) == len(_pictures())


def _pictures() -> list[Path]:
    return sorted(_folder_of_pictures().rglob("*.png"))


def _draw_signs(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 100, 3), dtype=np.uint8)
    with (
        patch("asl.commands.rendering.SIGNS", ("a", "b")),
        patch("asl.commands.rendering.render_two_sides", lambda sign, size: noise),
    ):
        draw_page_signs(folder / "signs")


def _are_drawn(folder: Path) -> bool:
    for name in "ab":
        with Image.open(folder / "signs" / f"{name}.webp") as image:
            image.load()
    return len(list((folder / "signs").iterdir())) == 2


_PEOPLE = DatasetOptions(signers=1, size=64, signs=["a", "b"], lights=["dif"], frames=3)


def _synthesize(folder: Path) -> None:
    synthesize(folder / "people", _PEOPLE, workers=1, force=True, progress=False)


def _are_rendered(folder: Path) -> bool:
    return len(asl.ASLDataset(folder / "people", progress=False)) == _PEOPLE.images


def _write_notebook(folder: Path) -> None:
    text = new_output("stream", text="x" * 20_000)
    book = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1", outputs=[text])])
    _write(book, Path("story.ipynb"), folder)


def _is_notebook(folder: Path) -> bool:
    book = nbformat.read(folder / "story.ipynb", as_version=4)
    page = (folder / "story.html").read_text()
    return len(book.cells) == 2 and page.rstrip().endswith("</html>")


_OLD = {"file": b"old"}
WRITERS = {
    "write_text": Writer(
        lambda folder: write_text(folder / "file", "x" * 20_000),
        lambda folder: (folder / "file").read_text() == "x" * 20_000,
        _OLD,
    ),
    "save_model": Writer(
        lambda folder: asl.save_model(small_model(), folder / "file"), _reads("model"), _OLD
    ),
    "Recognizer.save": Writer(
        lambda folder: small_recognizer().save(folder / "file"), _reads("recogniser"), _OLD
    ),
    "Recognizer.save_hand": Writer(
        lambda folder: taught_recognizer().save_hand(folder / "file"), _reads("hand"), _OLD
    ),
    # Checkpoints and folds that hold something else are not replaced.
    "train_model(checkpoint=)": Writer(
        lambda folder: train_one_epoch(folder / "file"), _reads("checkpoint")
    ),
    "FoldCache.write": Writer(lambda folder: write_fold(folder / "file"), _reads("fold")),
    "unpack_stand_in": Writer(
        _unpack, lambda folder: len(asl.ASLDataset(folder, progress=False)) == 1800
    ),
    "pack_stand_in": Writer(_pack, _are_packed, {"hands.zip": b"old", "hands.sha256": b"old"}),
    "export_recognizer": Writer(_export, _is_exported, {"recognizer.pt2": b"old"}, sizes=40),
    'export_recognizer(format="onnx")': Writer(
        _export_onnx, _is_exported, {"recognizer.onnx": b"old"}, sizes=40, needs="onnxruntime"
    ),
    "export_web": Writer(
        _export_web,
        _is_web,
        {"web/recognizer.json": b'{"engine": "web"}', "web/old.html": b"old"},
        sizes=40,
        needs="onnxruntime",
    ),
    "write_decoded": Writer(_decode, _are_decoded, _OLD),
    "draw_page_signs": Writer(_draw_signs, _are_drawn, {"signs/a.webp": b"old"}),
    "synthesize": Writer(
        _synthesize,
        _are_rendered,
        {f"people/{MANIFEST}": b'{"what": "rendered hands"}', "people/a/old.jpeg": b"old"},
        sizes=60,
        needs="anny",
    ),
    "asl notebook": Writer(
        _write_notebook, _is_notebook, {"story.ipynb": b"old", "story.html": b"old"}, sizes=60
    ),
    "asl predict --gallery": Writer(_draw, _is_picture, {"file.png": b"old"}, sizes=40),
    "asl compare": Writer(_compare, _is_picture, {"file.png": b"old"}, sizes=10),
}
