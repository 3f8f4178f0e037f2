import copy
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import PIL
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Subset

from asl import ASLDataset, DatasetError, files, load_asl_data
from asl.data import get_batch
from asl.decoded import cache
from asl.decoded.cache import sent_by_name
from asl.decoded.room import SUFFIX, clear

pytestmark = pytest.mark.filterwarnings("ignore:.*images of . of 36 signs")


@pytest.fixture
def folder(write_images):
    """Ten small images of two signs."""
    return write_images("ab")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Where decoded images are kept, empty; and nothing was warned of yet."""
    monkeypatch.setenv("ASL_CACHE_DIR", str(tmp_path / "cache"))
    cache._warned.cache_clear()
    cache._decoder.cache_clear()
    yield tmp_path / "cache" / "decoded"
    cache._warned.cache_clear()
    cache._decoder.cache_clear()


@pytest.fixture
def decodings(monkeypatch):
    """How many files were decoded each time that some were."""
    counts = []
    decode_each = cache.decoding.decode_each

    def counted(files, *args, **options):
        if files:
            counts.append(len(files))
        return decode_each(files, *args, **options)

    for module in (cache.decoding, sys.modules["asl.decoded.mapped_file"]):
        monkeypatch.setattr(module, "decode_each", counted)
    return counts


def _files(kept):
    return sorted(kept.glob("*"))


def test_images_are_decoded_once(folder, kept, decodings):
    first, second = ASLDataset(folder), ASLDataset(folder)
    plain = ASLDataset(folder, cache=False)
    assert decodings == [10, 10] and len(_files(kept)) == 1
    assert first.images.equal(plain.images) and second.images.equal(plain.images)
    assert first.image_files == second.image_files == plain.image_files
    load_asl_data(folder, cache=False)
    load_asl_data(folder)
    assert decodings == [10, 10, 10]


def test_another_process_finds_them(folder, kept, decodings):
    program = "import sys, asl; print(asl.ASLDataset(sys.argv[1]).images.sum().item())"
    command = [sys.executable, "-W", "ignore", "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == ASLDataset(folder).images.sum() and decodings == []


def test_the_folder_counts_not_the_way_to_it(folder, kept, decodings, monkeypatch):
    ASLDataset(folder)
    monkeypatch.chdir(folder)
    ASLDataset(".")
    ASLDataset(Path("..") / folder.name)
    ASLDataset(folder, image_size=8)
    shutil.copytree(folder, folder.parent / "copy")
    ASLDataset(folder.parent / "copy")
    assert decodings == [10, 10, 10] and len(_files(kept)) == 3


# --- what is stale --------------------------------------------------------------------------------


def _rewrite(file):
    """Other content of the same size, with the old time."""
    status = file.stat()
    file.write_bytes(bytes(reversed(file.read_bytes())))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda file: os.utime(file, ns=(0, file.stat().st_mtime_ns + 1)),
        lambda file: file.write_bytes(file.read_bytes() + b"\0"),
        lambda file: file.rename(file.with_name("other.png")),
        lambda file: file.unlink(),
        lambda file: shutil.copy2(file, file.with_name("other.png")),
    ],
    ids=["time", "size", "name", "gone", "new"],
)
def test_a_changed_folder_is_decoded_again_and_replaces_the_file(change, folder, kept, decodings):
    ASLDataset(folder)
    (before,) = _files(kept)
    change(folder / "a" / "hand1_a_dif_seg_1_cropped.png")
    changed = ASLDataset(folder)
    assert decodings == [10, len(changed)]
    assert changed.images.equal(ASLDataset(folder, cache=False).images)
    (after,) = _files(kept)
    assert after != before


def test_other_content_with_the_old_size_and_time_is_found(folder, kept):
    if os.name != "posix":
        pytest.skip("no time of the last change of a file's status here")
    assert len(ASLDataset(folder)) == 10
    _rewrite(folder / "a" / "hand1_a_dif_seg_1_cropped.png")
    with pytest.raises(DatasetError, match="1 unreadable"):
        ASLDataset(folder)


def test_a_change_while_images_are_decoded_is_found_the_next_time(folder, kept, monkeypatch):
    write = cache.write_decoded

    def late(*args, **options):
        unreadable = write(*args, **options)
        Image.new("RGB", (8, 8), "red").save(folder / "a" / "hand1_a_dif_seg_1_cropped.png")
        return unreadable

    monkeypatch.setattr(cache, "write_decoded", late)
    before = ASLDataset(folder).images
    monkeypatch.undo()
    assert not ASLDataset(folder).images.equal(before)


@pytest.mark.parametrize("change", ["Pillow", "our code"])
def test_another_decoder_decodes_again(change, folder, kept, decodings, monkeypatch, tmp_path):
    ASLDataset(folder)
    if change == "Pillow":
        monkeypatch.setattr(PIL, "__version__", "0.1")
    else:
        monkeypatch.setattr(cache.picture_bounds, "__file__", __file__)
    cache._decoder.cache_clear()
    ASLDataset(folder)
    # Another program with the old decoder may still use the other one.
    assert decodings == [10, 10] and len(_files(kept)) == 2


@pytest.mark.parametrize("place", [20, 4100, -3])
def test_a_damaged_file_is_made_again(place, folder, kept, decodings):
    images = ASLDataset(folder).images.clone()
    (path,) = _files(kept)
    whole = path.read_bytes()
    for damaged in (
        whole[:place],
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 if place != -1 else None :],
        b"",
    ):
        path.write_bytes(damaged)
        assert ASLDataset(folder).images.equal(images)
        assert path.read_bytes() == whole
    assert decodings == [10] * 4


# --- unreadable files -----------------------------------------------------------------------------


def test_unreadable_files_are_reported_as_without_the_cache(folder, kept, decodings):
    (folder / "a" / "empty.png").touch()
    (folder / "b" / "text.png").write_text("no image")
    said, images = [], []
    for kept_there in (False, True, True):
        with pytest.raises(DatasetError) as caught:
            ASLDataset(folder, cache=kept_there)
        with pytest.warns(UserWarning, match="left out 2 unreadable") as warned:
            dataset = ASLDataset(folder, on_error="skip", cache=kept_there)
        said.append((str(caught.value), str(warned[0].message)))
        assert len(dataset) == 10 == len(dataset.images)
        images.append(dataset.images)
    assert said[0] == said[1] == said[2]
    assert images[0].equal(images[1]) and images[0].equal(images[2])
    assert len(_files(kept)) == 1


def test_what_became_readable_without_a_change_is_read(folder, kept, monkeypatch):
    decode = cache.decoding._decode
    bad = folder / "a" / "hand1_a_dif_seg_1_cropped.png"
    monkeypatch.setattr(
        cache.decoding,
        "_decode",
        lambda path, size: "a package is missing" if Path(path) == bad else decode(path, size),
    )
    with pytest.raises(DatasetError, match="a package is missing"):
        ASLDataset(folder)
    monkeypatch.undo()
    assert len(ASLDataset(folder)) == 10


# --- no room, no right ----------------------------------------------------------------------------


def _warns_once(folder, words):
    with pytest.warns(UserWarning, match=f"decoded images are not kept .*{words}"):
        dataset = ASLDataset(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "decoded images")
        assert ASLDataset(folder).images.equal(dataset.images)
    assert dataset.images.equal(ASLDataset(folder, cache=False).images)


def test_a_cache_that_is_no_folder_is_warned_of_once(folder, kept, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ASL_CACHE_DIR", str(tmp_path / "file"))
    _warns_once(folder, "")


def test_a_disk_that_fills_up_is_warned_of_once(folder, kept, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write_decoded", full)
    _warns_once(folder, "No space left")


def test_a_disk_is_not_filled(folder, kept, monkeypatch):
    usage = shutil.disk_usage(folder)._replace(free=10 * 3 * 28**2 * 2 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    _warns_once(folder, "0.00 GB, more than half of the 0.00 GB that are free")
    assert _files(kept) == []


def test_a_dataset_larger_than_the_bound_is_not_kept(folder, kept, monkeypatch):
    monkeypatch.setenv("ASL_CACHE_GB", "2e-5")
    _warns_once(folder, "0.00 GB, more than the 2e-05 GB of ASL_CACHE_GB")


def test_no_room_at_all_is_asked_for_and_needs_no_warning(folder, kept, decodings, monkeypatch):
    monkeypatch.setenv("ASL_CACHE_GB", "0")
    ASLDataset(folder)
    assert decodings == [10] and not kept.exists()


# --- several processes ----------------------------------------------------------------------------


def test_two_processes_at_once_both_read_whole_images(folder, kept):
    program = "import sys, asl; print(asl.ASLDataset(sys.argv[1]).images.sum().item())"
    command = [sys.executable, "-W", "ignore", "-c", program, str(folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    # The one that waits for the other says so first.
    said = [process.communicate()[0].splitlines() for process in running]
    assert {int(lines[-1]) for lines in said} == {int(ASLDataset(folder, cache=False).images.sum())}
    assert len(_files(kept)) == 1


def test_only_one_at_a_time_decodes_the_same_images(folder, kept, decodings, monkeypatch):
    if os.name != "posix":
        pytest.skip("locks are those of POSIX")
    write, begun, said = cache.write_decoded, threading.Event(), threading.Event()

    def slow(*args, **options):
        begun.set()
        assert said.wait(60)
        return write(*args, **options)

    monkeypatch.setattr(cache, "write_decoded", slow)
    monkeypatch.setattr(files, "print", lambda *_, **__: said.set(), raising=False)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ASLDataset, folder)
        assert begun.wait(60)
        second = threads.submit(ASLDataset, folder)
        assert first.result().images.equal(second.result().images)
    assert decodings == [10] and [file.suffix for file in kept.iterdir()] == [SUFFIX]


def test_a_process_that_begins_maps_the_same_file(folder, kept):
    dataset = ASLDataset(folder)
    with sent_by_name():
        sent = pickle.dumps(dataset)
    whole = pickle.dumps(dataset)
    assert len(whole) > dataset.images.numel() > len(sent)
    assert pickle.loads(sent).images.equal(dataset.images)
    clear()  # what is pickled for later does not need the cache
    assert pickle.loads(whole).images.equal(dataset.images)
    with sent_by_name():
        assert pickle.loads(pickle.dumps(dataset)).images.equal(dataset.images)


def test_changes_go_along_to_other_processes(folder, kept):
    dataset = ASLDataset(folder)
    dataset.images.numpy()[3] = 7
    with sent_by_name():
        assert (pickle.loads(pickle.dumps(dataset)).images[3] == 7).all()
    assert not (ASLDataset(folder).images[3] == 7).all()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_a_loader_read_the_same_images(start, folder, kept):
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {start} here")
    dataset = ASLDataset(folder)
    loader = DataLoader(dataset, batch_size=5, num_workers=1, multiprocessing_context=start)
    batches = [images for images, _ in loader]
    assert torch.cat(batches).equal(get_batch(dataset, range(10))[0])


def test_copies_and_joined_datasets_hold_the_images(folder, kept, write_images, tmp_path):
    first = ASLDataset(folder)
    second = ASLDataset(write_images("cd", folder=tmp_path / "more"))
    assert copy.copy(first).images is first.images
    deep = copy.deepcopy(first)
    deep.images[0] = 0
    assert not deep.images.equal(first.images)
    joined = first.joined_with(second)
    with sent_by_name():
        received = pickle.loads(pickle.dumps(joined))
    assert received.images.equal(torch.cat([first.images, second.images]))
    part = pickle.loads(pickle.dumps(Subset(first, [1, 2])))
    assert part[0][0].equal(first[1][0])
