from pathlib import Path

import pytest

from asl.recognizer import photograph_sources
from asl.recognizer.photograph_sources import SOURCES, Source, check_source, digest_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A source of two files, as it was published."""
    folder = tmp_path / "somebody"
    (folder / "a").mkdir(parents=True)
    for name in ("1.jpg", "2.jpg"):
        (folder / "a" / name).write_bytes(name.encode())
    known = Source("me/hands", "abc", "data", "CC0", 2, digest_of(files_in(folder)))
    monkeypatch.setattr(photograph_sources, "SOURCES", {"somebody": known})
    return folder


def files_in(folder):
    return list(folder.glob("*/*"))


def test_a_source_as_it_was_published_is_accepted(folder):
    check_source(folder.name, files_in(folder)[::-1])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda file: file.unlink(), "found 1: restore them"),
        (lambda file: file.write_bytes(b"another"), "found 2 of which some differ"),
        (lambda file: file.rename(file.with_name("9.jpg")), "found 2 of which some differ"),
    ],
    ids=["missing", "changed", "renamed"],
)
def test_a_changed_source_is_refused(folder, change, found):
    change(folder / "a" / "1.jpg")
    with pytest.raises(ValueError, match=f"somebody. the 2 photographs of .*me/hands.*{found}"):
        check_source(folder.name, files_in(folder))


def test_photographs_of_ones_own_are_not_checked(folder):
    own = folder.rename(folder.with_name("mine"))
    (own / "a" / "1.jpg").unlink()
    check_source(own.name, files_in(own))


def test_the_card_names_every_source():
    card = (Path(__file__).parents[2] / "docs" / "recognizer.md").read_text(encoding="utf-8")
    for name, source in SOURCES.items():
        for fact in (name, source.repository, source.commit, f"{source.photographs:,}"):
            assert fact in card
