import os

import pytest
import torch
from PIL import Image

from asl.decoded import mapped_file
from asl.decoded.mapped_file import facts_of, is_ours, read_decoded, write_decoded


@pytest.fixture
def pictures(tmp_path):
    """Two pictures, and one that cannot be read between them."""
    for name, color in (("a.png", "red"), ("c.png", "blue")):
        Image.new("RGB", (8, 8), color).save(tmp_path / name)
    (tmp_path / "b.png").touch()
    return [tmp_path / name for name in ("a.png", "b.png", "c.png")]


@pytest.fixture
def path(pictures, tmp_path, monkeypatch):
    """A file of these pictures, with a checksum for every 64 bytes of pixels."""
    monkeypatch.setattr(mapped_file, "_CHUNK", 64)
    path = tmp_path / "cache" / "some.asl-images"
    unreadable = write_decoded(path, "key", "a folder", pictures, 4, progress=False)
    assert unreadable == {pictures[1]: "empty file"}
    return path


def test_what_was_written_is_mapped(path):
    found = read_decoded(path, "key", 3)
    assert found.shape == (2, 3, 4, 4) and list(found.readable) == [1, 0, 1]
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1).expand(3, 4, 4)
    assert found.mapped().equal(torch.stack([red, red.flip(0)]))
    assert found.mapped().is_contiguous()
    assert os.listdir(path.parent) == [path.name]


def test_whoever_changes_images_changes_no_file_and_nobody_elses(path):
    before = path.read_bytes()
    found = read_decoded(path, "key", 3)
    mine, other = found.mapped(), found.mapped()
    mine[0] += 7
    mine.numpy()[1] = 9
    assert path.read_bytes() == before and other[0, 0, 0, 0] == 255
    assert found.holds(other) and not found.holds(mine) and not found.holds(other[:1])


def test_images_stay_when_the_file_goes(path):
    found = read_decoded(path, "key", 3)
    images = found.mapped()
    assert found.holds(images)
    path.unlink()
    assert not found.holds(images) and images[0, 0, 0, 0] == 255


def test_a_flipped_bit_anywhere_is_found(path):
    content = path.read_bytes()
    assert len(content) == 4096 + 96 + 2 * 4 + 3
    for place in [*range(0, 4096, 97), *range(4064, len(content))]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with pytest.raises(ValueError, match="expected .*decoded images"):
            read_decoded(path, "key", 3)
    path.write_bytes(content)
    read_decoded(path, "key", 3)


@pytest.mark.parametrize("change", [-4200, -100, -1, 1])
def test_another_length_is_found(path, change):
    content = path.read_bytes()
    path.write_bytes(content[:change] if change < 0 else content + b"\0")
    with pytest.raises(ValueError, match="expected .*decoded images"):
        read_decoded(path, "key", 3)


def test_other_images_than_wanted_are_refused(path):
    for key, files in (("other", 3), ("key", 2)):
        with pytest.raises(ValueError, match=f"expected the decoded images of {key}"):
            read_decoded(path, key, files)


def test_a_file_tells_what_it_is_in_any_version(path):
    assert facts_of(path)["folder"] == "a folder" and is_ours(path)
    path.write_bytes(path.read_bytes().replace(b"asl-images 1", b"asl-images 2"))
    with pytest.raises(ValueError, match="of this version"):
        facts_of(path)
    assert is_ours(path)
    path.write_bytes(b"something else")
    assert not is_ours(path)


def test_others_cannot_read_it(path):
    if os.name != "posix":
        pytest.skip("rights are those of POSIX")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_of_any_name_fits(pictures, tmp_path):
    path = tmp_path / "x.asl-images"
    write_decoded(path, "key", "\U0001f600\x1b\udc80" * 2000, pictures, 4, progress=False)
    assert len(facts_of(path)["folder"]) == 500


def test_no_image_at_all(pictures, tmp_path):
    path = tmp_path / "x.asl-images"
    write_decoded(path, "key", "folder", pictures[1:2], 4, progress=False)
    assert read_decoded(path, "key", 1).mapped().shape == (0, 3, 4, 4)


def test_an_error_leaves_nothing(pictures, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(mapped_file, "decode_each", fail)
    with pytest.raises(OSError, match="no space"):
        write_decoded(tmp_path / "new" / "x", "key", "folder", pictures, 4, progress=False)
    assert os.listdir(tmp_path / "new") == []


def test_more_images_than_memory_can_be_mapped(tmp_path):
    path = tmp_path / "large"
    shape = (2**40 // (3 * 256**2), 3, 256, 256)  # a terabyte, none of it on the disk
    with open(path, "wb") as file:
        try:
            file.truncate(4096 + 2**40)
        except OSError:
            pytest.skip("no such large files here")
    if os.name != "posix":
        pytest.skip("maps as POSIX does")
    images = mapped_file.DecodedFile(path, shape, b"", b"").mapped()
    assert images[-1].sum() == 0
