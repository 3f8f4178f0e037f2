"""What `make` installs is what requirements*.txt ask for, and every file of it has its SHA-256."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.M)


def pins(path):
    """Returns (package, version) of each line of a file that pins one."""
    return {(re.sub(r"[-_.]+", "-", n), version) for n, version in _PIN.findall(path.read_text())}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_a_lock_pins_what_is_asked_for(path):
    missing = pins(path) - pins(path.with_suffix(".lock"))
    assert pins(path) and not missing, "run `make lock`"


def test_every_requirement_is_pinned():
    for path in REQUIREMENTS:
        asked = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
        assert len(asked) == len(pins(path))


def test_locks_agree():
    # A package has several versions only where they are for different systems or Pythons.
    versions = {}
    for path in LOCKS:
        of = {}
        for name, version in pins(path):
            of.setdefault(name, set()).add(version)
        for name, here in of.items():
            assert versions.setdefault(name, here) == here


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_hashes_and_comes_from_the_index(path):
    for entry in re.split(r"\n(?=[a-z0-9])", "\n" + path.read_text().strip()):
        if entry.strip():
            assert re.search(r"\n +--hash=sha256:[0-9a-f]{64}\b", entry), entry
    assert "://" not in path.read_text()


def test_what_only_the_cuda_build_needs_is_apart_and_for_linux():
    def is_cuda(name):
        return name.startswith(("cuda", "nvidia", "triton"))

    for path in LOCKS:
        names = {is_cuda(name) for name, _ in pins(path)}
        assert names == {path.name == "requirements-cuda.lock"}
    text = (ROOT / "requirements-cuda.lock").read_text()
    entries = [line for line in text.splitlines() if _PIN.match(line)]
    assert all("sys_platform == 'linux'" in line for line in entries)


def test_the_cpu_build_that_the_docs_name_is_the_locked_one():
    text = (ROOT / "docs" / "install.md").read_text()
    named = set(re.findall(r"\b(torch|torchvision)==(\S+)", text))
    assert len(named) == 2 and named <= pins(ROOT / "requirements.lock")


def test_make_installs_nothing_without_hashes_but_what_the_security_page_names():
    lines = (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
    installs = [line for line in lines if re.search(r"\bpip (install|download)\b", line)]
    # This project itself, and `make bench` what it compares with.
    excepted = ("--no-deps --no-build-isolation --editable .", "benchmarks/requirements-others.txt")
    unpinned = [
        part
        for line in installs
        for part in line.split("&&")
        if re.search(r"\bpip (install|download)\b", part)
        and "--require-hashes" not in part
        and not any(words in part for words in excepted)
    ]
    assert len(installs) == 4 and not unpinned
