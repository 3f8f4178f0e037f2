"""The package as users install it: built as a wheel, run away from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import asl

ROOT = Path(__file__).parent.parent
SMOKE = """
import asl, torch
from pathlib import Path
torch.set_num_threads(1)
assert Path(asl.__file__).is_relative_to(Path.cwd() / "site"), asl.__file__
dataset = asl.ASLDataset(asl.unpack_stand_in(), progress=False)
assert len(dataset) == 1800
some = torch.utils.data.Subset(dataset, range(0, 1800, 30))
metrics = asl.train_model(asl.create_sequential_model(), some, some, 1, progress=False)
assert len(metrics["test_accuracies"]) == 1
asl.visualize_data_samples(torch.utils.data.DataLoader(some, batch_size=12), some)
(answer, probability), *_ = asl.Recognizer.load()(dataset.image_files[0])
print(answer, probability > 0.5)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, built = (tmp_path_factory.mktemp(name) for name in ("source", "built"))
    for path in (*ROOT.glob("requirements*.txt"), *ROOT.glob("LICENSE*")):
        shutil.copy(path, source)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in ("asl", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", built, source]
    subprocess.run(command, check=True)
    (path,) = built.glob("*.whl")
    return path


def test_a_wheel_holds_every_module_and_what_they_read_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}
    here = [path for path in (ROOT / "asl").rglob("*") if path.is_file()]
    assert names == {p.relative_to(ROOT).as_posix() for p in here if "__pycache__" not in p.parts}
    assert {"asl/__init__.pyi", "asl/py.typed"} < names
    assert f"asl_recognition-{asl.__version__}" in wheel.name


def test_installed_elsewhere_it_trains_recognises_and_answers_commands(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path / "site"),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MPLBACKEND": "Agg",
    }

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert run("-c", SMOKE).split() == ["0", "or", "o", "True"]
    assert run("-m", "asl", "--version") == f"asl {asl.__version__}\n"
    (entry_points,) = (tmp_path / "site").glob("*.dist-info/entry_points.txt")
    assert "asl = asl.__main__:main" in entry_points.read_text().splitlines()
