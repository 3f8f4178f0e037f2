"""Which code is installed, and what of the rest counts."""

import importlib
import sys

import numpy
import pytest
import torch

from asl.source_code import imports_in, installed_version, is_own, source_of_module


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("torch", torch.__version__),
        ("torch.nn.functional", torch.__version__),
        ("torch.ops", torch.__version__),  # without a file of its own
        ("numpy", numpy.__version__),
        ("os", sys.version),
        ("builtins", sys.version),
        ("collections.abc", sys.version),
        ("asl.models", None),
        ("__main__", None),
        ("there_is_none", None),
    ],
)
def test_what_is_installed_has_a_version(name, version):
    assert installed_version(name) == version


def test_only_code_of_others_that_is_not_installed_is_the_users_own():
    own = [
        name for name in ("asl", "asl.data", "torch", "json", __name__, "aslant") if is_own(name)
    ]
    assert own == [__name__, "aslant"]


def test_a_package_that_tells_no_version_has_the_one_that_was_recorded():
    typing_extensions = importlib.import_module("typing_extensions")
    assert not hasattr(typing_extensions, "__version__")
    found = installed_version("typing_extensions")
    assert found == importlib.metadata.version("typing_extensions")
    assert installed_version("dateutil") not in (None, sys.version)  # of python-dateutil


def test_a_users_site_packages_are_installed(tmp_path, monkeypatch):
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "a_wheel.py").write_text("__version__ = '7'")
    monkeypatch.syspath_prepend(folder)
    try:
        importlib.import_module("a_wheel")
        assert installed_version("a_wheel") == "7" and source_of_module("a_wheel") is None
    finally:
        sys.modules.pop("a_wheel", None)


def test_the_source_of_a_module_holds_that_of_its_imports_which_nobody_runs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "package").mkdir()
    files = {
        "package/__init__.py": "raise RuntimeError('was run')",
        "package/first.py": "from . import second\nimport torch, asl, there_is_none",
        "package/second.py": "def f():\n  from .third import *",
        "package/third.py": "from .first import f",  # round and round
        "package/broken.py": "def",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    before = source_of_module("package.first")
    assert before == source_of_module("package.first") and len(before) == 16
    for name in ("__init__", "first", "second", "third"):
        text = files[f"package/{name}.py"]
        (tmp_path / f"package/{name}.py").write_text(text + "\n")
        assert source_of_module("package.first") != before
        (tmp_path / f"package/{name}.py").write_text(text)
    (tmp_path / "package/broken.py").write_text("def f")
    assert source_of_module("package.first") == before
    assert source_of_module("package.broken") and source_of_module("there_is_none") is None
    assert "package" not in sys.modules


def test_imports_in_a_function():
    def function():
        import os.path as path

        from .models import ASLNet

        def inner():
            from .. import beside

            return beside

        return path, ASLNet, inner

    found = list(imports_in(function.__code__, "asl.evaluation"))
    names = [
        "os.path",
        "asl.evaluation.models",
        "asl.evaluation.models.ASLNet",
        "asl",
        "asl.beside",
    ]
    assert found == names
    assert list(imports_in(function.__code__, "")) == ["os.path"]
