"""Several processes train as one does; see `several_processes.py` for what they run."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
import several_processes
import torch
import torch.distributed as dist

from asl.processes import joining
from asl.processes.group import ALONE, Processes
from asl.processes.joining import fresh_store, joined
from asl.processes.launch import launched


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a scenario in processes of one thread; returns what each of them found."""

    def run(count, *arguments, options=("--standalone",), torchruns=1):
        results = tmp_path_factory.mktemp("results")
        said = {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1", "RESULTS": str(results)}
        command = [sys.executable, "-m", "torch.distributed.run", *options]
        command += ["--nproc-per-node", count, several_processes.__file__, *arguments]
        environment = {**os.environ, **said}
        command = list(map(str, command))
        with ExitStack() as stack:
            started = []
            for _ in range(torchruns):
                one = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
                started.append(stack.enter_context(one))
                stack.callback(one.kill)  # if another fails
            for one in started:
                _, errors = one.communicate(timeout=300)
                assert one.returncode == 0, errors
        return {path.stem: json.loads(path.read_text()) for path in results.iterdir()}

    return run


@pytest.fixture(scope="module")
def equality(run):
    found = run(3, "equality")
    return [found[rank] for rank in "012"]


@pytest.mark.parametrize("name", several_processes.CASES)
def test_three_processes_train_as_one(name, equality):
    case = several_processes.CASES[name]
    alone = several_processes.train(*case, ALONE)
    # Mostly in float64, in which rounding does not grow to anything within so few steps.
    close = {"mlp, float32": 2e-5, "asl.augment, float32": 2e-3}.get(name, 1e-6)
    for found in equality:
        assert found[name].keys() == alone.keys()
        for what, expected in alone.items():
            assert found[name][what] == pytest.approx(expected, rel=close, abs=close), what


def test_all_processes_end_with_the_same_weights_bit_for_bit(equality):
    first, *others = equality
    assert len(others) == 2
    for name in several_processes.CASES:
        assert all(other[name] == first[name] for other in others)


@pytest.fixture(scope="module")
def agreement(run):
    found = run(2, "agreement")
    return [found[rank] for rank in "01"]


def test_other_images_and_options_are_refused_everywhere(agreement):
    for found in agreement:
        expected = "ValueError: expected all processes to be given the same, found\n  "
        assert found["counts"].startswith(
            f"{expected}number of training images: 20 in process 0, 19 in process 1"
        )
        assert found["contents"].startswith(f"{expected}training data: ")
        assert found["options"] == f"{expected}lr: 0.1 in process 0, 0.2 in process 1"


def test_what_one_process_finds_all_know(agreement):
    for found in agreement:
        assert "TrainingDiverged: the loss of batch" in found["diverged"]
        assert found["of first"] == "ValueError: only process 0 fails"
        assert (found["sent"], found["each"]) == ("from 0", [0, 1])
        assert found["unseeded"] == agreement[0]["unseeded"]
    # The callback is called in process 0 alone, and ends the training of all.
    assert [found["callback"] for found in agreement] == [[[1], 1], [[], 1]]


def test_two_processes_train_the_recognisers_classifier_as_one(agreement):
    alone = several_processes.reader(Processes())
    for found in agreement:
        assert found["reader"] == pytest.approx(alone, abs=1e-4)


def test_two_processes_train_a_finder_as_one(agreement):
    alone = several_processes.finder(Processes())
    for found in agreement:
        assert found["finder"] == pytest.approx(alone, abs=1e-4)


def test_two_processes_end_with_the_same_recogniser(agreement):
    first, second = (found["recognizer"] for found in agreement)
    assert first == second


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_a_killed_process_ends_the_others_and_a_restart_goes_on_to_the_same_end(run, tmp_path):
    whole = run(2, "killed", "whole")["0"]
    # The supervisor looks late, so that process 0 has to notice by itself.
    options = ("--standalone", "--max-restarts", "1", "--monitor-interval", "3")
    found = run(2, "killed", tmp_path / "checkpoint", options=options)
    assert "process 0 of 2 stops, since another one has ended" in found.pop("lost 0")
    assert sorted(found) == ["0", "1"]
    for ended in found.values():
        assert ended.pop("epochs now") == 1  # of two
        assert ended == whole
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_two_machines_train_as_one(run):
    """Here they are two torchruns of one machine, which find each other by a port."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    meet = ("--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{port}", "--rdzv-id", "two")
    options = ("--nnodes", "2", "--local-addr", "localhost", *meet)
    found = run(1, "two machines", options=options, torchruns=2)
    assert sorted(found) == ["0", "1"] and found["0"] == found["1"]
    alone = several_processes.train(*several_processes.CASES["mlp"], ALONE)
    for what, expected in alone.items():
        assert found["0"][what] == pytest.approx(expected, rel=1e-6, abs=1e-6), what


def test_processes_never_meet_in_what_an_earlier_start_has_left():
    store = dist.HashStore()

    def start(name, ranks, late):
        """Returns whom each process finds when it looks at once for where the others are."""
        found = {}

        def arrive(rank):
            time.sleep(0.2 * (rank in late))
            mine = fresh_store(store, rank, len(ranks))
            mine.set(f"address {rank}", f"{name} {rank}")
            found[rank] = [mine.get(f"address {other}").decode() for other in ranks]

        threads = [threading.Thread(target=arrive, args=(rank,)) for rank in ranks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    for name, ranks, late in [("a", 3, []), ("b", 3, [0]), ("c", 3, [1, 2]), ("d", 2, [1])]:
        expected = [f"{name} {rank}" for rank in range(ranks)]
        assert start(name, range(ranks), late) == dict.fromkeys(range(ranks), expected)


def test_a_process_that_never_comes_is_told():
    store = dist.HashStore()
    store.set_timeout(timedelta(seconds=0.2))
    with pytest.raises(dist.DistError):
        fresh_store(store, 0, 2)
    store.set("asl number 1", "of an earlier start")
    with pytest.raises(dist.DistStoreError, match="expected 2 processes to begin"):
        fresh_store(store, 0, 2)


# --- one process ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "count"), [(64, 2), (7, 3), (3, 3), (10, 4)])
def test_shards_are_disjoint_and_complete(size, count):
    shards = [Processes(rank, count).shard(size) for rank in range(count)]
    assert [i for shard in shards for i in range(size)[shard.rows]] == list(range(size))
    assert max(s.size for s in shards) - min(s.size for s in shards) <= 1
    assert sum(shard.share for shard in shards) == pytest.approx(1)


def test_with_more_processes_than_items_some_keep_step_without_counting():
    shards = [Processes(rank, 3).shard(2) for rank in range(3)]
    assert [shard.counts for shard in shards] == [False, True, True]
    assert [shard.size for shard in shards] == [1, 1, 1] and shards[0].share == 0


def test_alone_nobody_is_asked():
    assert ALONE.each(3) == [3] and ALONE.from_first(lambda: 4) == 4
    x = torch.ones(2)
    assert ALONE.summed(x) is x and ALONE.gathered(x, ALONE.shard(2)) is x
    ALONE.check_equal({"a": 1})


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.setenv("RANK", "3")  # of something else
    assert launched() == (1, 0)
    with joined("cpu") as processes:
        assert (processes.rank, processes.count, processes.device.type) == (0, 1, "cpu")
    with pytest.raises(ValueError, match="expected a device of this machine"), joined("gpu"):
        pass


@pytest.fixture
def as_second_of_two(monkeypatch):
    said = {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 1, "MASTER_ADDR": "localhost"}
    for name, value in (said | {"MASTER_PORT": 1}).items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.usefixtures("as_second_of_two")
@pytest.mark.parametrize(
    ("device", "nccl", "expected"),
    [("cuda", True, "nccl"), ("cuda", False, "gloo"), ("cpu", True, "gloo")],
)
def test_gradients_go_through_nccl_where_there_are_gpus_and_nccl(
    device, nccl, expected, monkeypatch
):
    store, groups = dist.HashStore(), []
    for of, name, stand_in in (
        (joining, "_own_device", lambda asked: torch.device(device)),
        (joining, "rendezvous", lambda *_, **__: iter([(store, 1, 2)])),
        (joining, "fresh_store", lambda store, rank, count: store),
        (dist, "init_process_group", lambda backend, **_: groups.append(backend)),
        (dist, "new_group", lambda backend, timeout: groups.append(backend)),
        (dist, "is_nccl_available", lambda: nccl),
    ):
        monkeypatch.setattr(of, name, stand_in)
    with joined() as processes:
        assert (processes.rank, processes.count, processes.device.type) == (1, 2, device)
    assert groups == ["gloo", expected]  # words always go through gloo


@pytest.mark.usefixtures("as_second_of_two")
def test_too_few_gpus_are_told_before_anybody_waits(monkeypatch):
    assert launched() == (2, 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="a GPU for each process, found 1.*start 1 process"):  # noqa: SIM117
        with joined():
            pass
