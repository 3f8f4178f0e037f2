import pytest
import torch

from asl import ASLDataset, NearestNeighbour, create_sequential_model
from asl.evaluation.fold_cache import FoldCache
from asl.tensor_files import FOLD, write_tensors

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
JOB = (0, (1,))
FOLDS = {0: torch.arange(60) % 3}
ANSWERS = torch.rand(20, 36).log_softmax(1)


@pytest.fixture
def cache(people, tmp_path):
    """Opens a cache, by default always of the same setting."""
    dataset = ASLDataset(people, progress=False)

    def open_cache(make_model=NearestNeighbour, change=None, **training):
        return FoldCache(tmp_path / "folds", make_model, change or dataset, training)

    open_cache.dataset = dataset
    return open_cache


def test_answers_are_found_again_by_the_same_setting(cache):
    cache(epochs=3).write(JOB, FOLDS[0], ANSWERS)
    assert cache(epochs=3).read([JOB, (0, (2,))], FOLDS).keys() == {JOB}
    assert cache(epochs=3).read([JOB], FOLDS)[JOB].equal(ANSWERS)


def test_what_a_killed_writer_left_beside_a_finished_fold_goes(cache, tmp_path, leave_draft):
    cache().write(JOB, FOLDS[0], ANSWERS)
    (file,) = (tmp_path / "folds").iterdir()
    left = leave_draft(file)
    assert cache().read([JOB], FOLDS) and not left.exists()


def test_answers_of_another_setting_are_not(cache, people, tmp_path):
    cache().write(JOB, FOLDS[0], ANSWERS)
    other = ASLDataset(people, progress=False)
    other.labels = [11, *other.labels[1:]]
    assert not cache(change=other).read([JOB], FOLDS)  # other labels
    other.labels = list(cache.dataset.labels)
    assert cache(change=other).read([JOB], FOLDS)
    other.images = other.images + 1
    assert not cache(change=other).read([JOB], FOLDS)
    assert not cache(epochs=3).read([JOB], FOLDS)
    assert not cache(create_sequential_model).read([JOB], FOLDS)
    assert not cache().read([JOB], {0: FOLDS[0].roll(1)})
    assert not cache().read([(1, (1,))], {1: FOLDS[0]})
    assert not FoldCache(tmp_path / "folds", NearestNeighbour, cache.dataset, {}, 2).read(
        [JOB], FOLDS
    )


def test_answers_of_another_device_or_precision_are_not(cache, monkeypatch):
    cache().write(JOB, FOLDS[0], ANSWERS)
    with monkeypatch.context() as patch:
        patch.setattr("asl.devices.default_device", lambda: torch.device("cuda"))
        assert not cache().read([JOB], FOLDS)
        cpu = cache(device="cpu")
    assert cpu.setting == cache(device="cpu").setting
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
        assert not cache().read([JOB], FOLDS)
    assert cache().read([JOB], FOLDS)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-8],
        lambda content: content[:-8] + bytes(8),
        lambda content: content[: len(content) // 3],
        lambda content: b"",
    ],
)
def test_a_damaged_file_is_named_and_not_used(damage, cache, tmp_path):
    cache().write(JOB, FOLDS[0], ANSWERS)
    (file,) = (tmp_path / "folds").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match=f"trains again, since '.*{file.name}' cannot be read"):
        assert not cache().read([JOB], FOLDS)


@pytest.mark.parametrize(
    "tensors", [{}, {"other": ANSWERS}, {"log_probs": ANSWERS, "more": ANSWERS.clone()}]
)
def test_a_file_of_other_tensors_is_not_used(tensors, cache, tmp_path):
    cache().write(JOB, FOLDS[0], ANSWERS)
    (file,) = (tmp_path / "folds").iterdir()
    write_tensors(file, tensors, {}, format=FOLD)
    with pytest.warns(UserWarning, match="cannot be read: expected {'log_probs': .*, found {"):
        assert not cache().read([JOB], FOLDS)


def test_a_folder_is_named_without_what_a_terminal_obeys(people, tmp_path):
    dataset = ASLDataset(people, progress=False)
    try:
        cache = FoldCache(tmp_path / "\x1b[2J", NearestNeighbour, dataset, {})
        cache.write(JOB, FOLDS[0], ANSWERS.double())
    except OSError:  # Windows
        pytest.skip("no such names here")
    with pytest.warns(UserWarning, match=r"since '.*\\x1b\[2J.*' cannot be read") as warned:
        assert not cache.read([JOB], FOLDS)
    assert "\x1b" not in str(warned[0].message)


def test_one_cache_finds_what_it_wrote_itself(cache):
    opened = cache()
    opened.write(JOB, FOLDS[0], ANSWERS)
    opened.write((0, (2,)), FOLDS[0], ANSWERS)
    assert opened.read([JOB, (0, (2,))], FOLDS).keys() == {JOB, (0, (2,))}


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (torch.zeros(19, 36), r"expected .*F32', \(20, 36\).*, found .*F32', \(19, 36\)"),
        (torch.zeros(20, 36).double(), r"found .*F64', \(20, 36\)"),
        (torch.full((20, 36), torch.nan), "found nan or infinity"),
    ],
)
def test_answers_of_another_kind_are_not_used(answers, words, cache):
    cache().write(JOB, FOLDS[0], answers)
    with pytest.warns(UserWarning, match=words):
        assert not cache().read([JOB], FOLDS)
