"""Finds the images for the tests that need them, and makes small ones for all other tests.

The notebook is compared strictly with its committed outputs where the real 2,515 images are found,
and only executed ("lax") on any other images, such as the rendered stand-in; the first lines of the
run say which.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import matplotlib

os.environ["TQDM_DISABLE"] = "1"  # notebook kernels inherit it: no bars in compared outputs
# Nothing goes into the cache of whoever runs the tests; what is kept here goes at the end.
_CACHE = tempfile.TemporaryDirectory(prefix="asl-tests-", ignore_cleanup_errors=True)
os.environ["ASL_CACHE_DIR"] = _CACHE.name
os.environ["ASL_UNATTENDED"] = "1"  # no camera page that nobody sees
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # before torch is imported; see docs/install.md
matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from asl import SIGNS, files, find_dataset  # noqa: E402

torch.set_num_threads(1)  # faster for tiny tensors, above all beside other programs

REAL_SET_SIZE = 2515
FOUND_IMAGES = pytest.StashKey[Path]()


def _is_real_set(folder: Path) -> bool:
    return sum(len(list((folder / sign).glob("*.jpeg"))) for sign in SIGNS) == REAL_SET_SIZE


@pytest.hookimpl(tryfirst=True)  # nbval reads its options in its own pytest_configure
def pytest_configure(config):
    found = find_dataset()
    os.environ["ASL_DATA_DIR"] = str(found)  # the notebook's kernel need not search again
    config.stash[FOUND_IMAGES] = found
    if not (config.option.nbval or config.option.nbval_lax):
        config.option.nbval = _is_real_set(found)
        config.option.nbval_lax = not config.option.nbval


def pytest_report_header(config):
    found = config.stash[FOUND_IMAGES]
    if _is_real_set(found):
        return f"notebook: strict, on the real images in {found}"
    return f"notebook: lax, on the images in {found}"


def pytest_collection_modifyitems(config, items):
    found = config.stash[FOUND_IMAGES]
    for item in items:
        if hasattr(item, "output_timeout"):  # a notebook's cell, on a machine that may be busy
            item.output_timeout = 60
        if item.get_closest_marker("real_images") and not _is_real_set(found):
            item.add_marker(pytest.mark.skip(reason="needs the 2,515 real images"))


@pytest.hookimpl(tryfirst=True)  # nbval would expect the cells after a time-out to fail
def pytest_runtest_setup(item):
    if getattr(item.parent, "timed_out", False):
        pytest.skip("a cell before it ran out of time")


@pytest.fixture(scope="session")
def real_images(request) -> Path:
    """The folder of the real images; use it with ``@pytest.mark.real_images``."""
    return request.config.stash[FOUND_IMAGES]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def write_images(tmp_path) -> Callable[..., Path]:
    """Writes a dataset folder of small images, each sign with its own pattern.

    Returns:
        A function (signs=all, bursts=1) → folder; a burst is five near-copies.
    """

    def write(signs=SIGNS, bursts: int = 1, folder: Path = tmp_path / "images") -> Path:
        for sign in signs:
            (folder / sign).mkdir(parents=True, exist_ok=True)
            # One fixed low-frequency pattern a sign, so that even a small model can learn it.
            pattern = np.random.default_rng(SIGNS.index(sign)).integers(0, 226, (4, 4, 3))
            for burst in range(bursts):
                for frame in range(1, 6):
                    pixels = (pattern + 5 * burst + frame).astype(np.uint8)
                    image = Image.fromarray(pixels).resize((32, 32), Image.Resampling.NEAREST)
                    name = f"hand{burst + 1}_{sign}_dif_seg_{frame}_cropped.png"
                    image.save(folder / sign / name)
        return folder

    return write


@pytest.fixture
def leave_draft():
    """Leaves a draft beside a path, as a writer does that is killed after its file has its name."""
    if os.name != "posix":
        pytest.skip("asks whether a process runs as POSIX does")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()

    def leave(path: Path) -> Path:
        left = path.with_name(f"{files._prefix(path)}{dead.pid}-abc")
        left.mkdir(parents=True)
        return left

    return leave


@pytest.fixture
def people(tmp_path):
    """Three signers, two signs, two lights, five frames; a burst's frames differ by one grey level.

    Bursts differ by far more than near-copies do.
    """
    rng = np.random.default_rng(0)
    for signer in (1, 2, 3):
        for sign in "ab":
            for light in ("dif", "top"):
                scene = rng.integers(0, 250, (28, 28, 3), dtype=np.uint8)
                for frame in range(1, 6):
                    name = f"hand{signer}_{sign}_{light}_seg_{frame}_cropped.png"
                    (tmp_path / sign).mkdir(exist_ok=True)
                    Image.fromarray(scene + np.uint8(frame)).save(tmp_path / sign / name)
    return tmp_path
