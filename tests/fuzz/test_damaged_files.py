"""Whatever a file holds, it is read rightly or refused as documented, within seconds."""

import io
import json
from random import Random

import numpy as np
import pytest
from damage import DAMAGES, damaged, forged, with_fitting_length
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from readers import KINDS, OtherContent, outcome, pictures

from asl.tensor_files import read_tensors


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def whole(kind):
    return kind.whole()


@pytest.fixture(scope="module")
def draw(kind, whole):
    """Damages a file of the kind."""
    return lambda random: kind.damage(random.choice(whole), random, whole)


@pytest.fixture(scope="module")
def read(kind, whole, tmp_path_factory):
    """Reads a content as a file of the kind: ``"read"`` or ``"refused"``."""
    folder = tmp_path_factory.mktemp("files")

    def content_of(content):
        (folder / "file").write_bytes(content)
        return kind.read(folder / "file")

    expected = content_of(whole[0]) if kind.checked else None

    def read(content):
        (folder / "file").write_bytes(content)
        return outcome(kind, folder / "file", expected)

    return read


def test_whole_files_are_read(whole, read):
    assert {read(content) for content in whole} == {"read"}


@given(random=st.randoms(use_true_random=True))
def test_a_damaged_file_is_read_rightly_or_refused(random, draw, read):
    read(draw(random))


@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(content, read):
    read(content)


# --- what was found ------------------------------------------------------------------------------


def png_with_a_broken_part():
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "png")
    start, first, rest = file.getvalue().split(b"IDAT", 2)
    return start + b"IDAT" + first + b"[[[[" + rest


def long_thin_picture():
    file = io.BytesIO()
    Image.new("1", (300_000, 1)).save(file, "png")
    return file.getvalue()


def weights_of_a_type_that_numpy_lacks(kind, old, new):
    return with_fitting_length(KINDS[kind].whole()[0].replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture", png_with_a_broken_part),
        ("picture", lambda: pictures()[22][:-1]),  # an AVIF
        ("picture, looked at", long_thin_picture),
        (
            "recogniser",
            lambda: weights_of_a_type_that_numpy_lacks("recogniser", b'"F16"', b'"BF16"'),
        ),
        ("results", lambda: b"[" * 100_000),
    ],
)
def test_what_was_found_once_is_read_rightly_or_refused(name, content, tmp_path):
    (tmp_path / "file").write_bytes(content())
    outcome(KINDS[name], tmp_path / "file")


# --- the tests themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_changes_files(damage):
    content = bytes(range(256)) + b'{"x": "F32", "y": 1}'
    changed = {damage(content, Random(seed), [content[::-1]]) for seed in range(50)}
    assert len(changed - {content}) > 10


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.damage is forged])
def test_what_is_forged_gets_beyond_the_checksum(name, tmp_path):
    (whole,) = KINDS[name].whole()
    metadata = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])["__metadata__"]
    read, contents = 0, set()
    for seed in range(60):
        contents.add(content := forged(whole, Random(seed), [whole]))
        assert content == forged(whole, Random(seed), [whole])
        (tmp_path / "file").write_bytes(content)
        try:
            read_tensors(tmp_path / "file", format=metadata["format"])
        except ValueError as error:
            assert "checksum" not in str(error)
        else:
            read += 1
    assert read > 30 and len(contents - {whole}) > 40


def test_a_seed_repeats_a_damage():
    content = KINDS["results"].whole()[0]
    assert damaged(content, Random("1"), []) == damaged(content, Random("1"), [])
    assert len({damaged(content, Random(str(seed)), []) for seed in range(50)}) > 20


def test_other_content_of_a_checked_file_is_noticed(tmp_path):
    kind = KINDS["model"]
    (tmp_path / "file").write_bytes(kind.whole()[0])
    with pytest.raises(OtherContent, match="accepted other content"):
        outcome(kind, tmp_path / "file", "another")
