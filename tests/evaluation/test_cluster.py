"""Cross-validations as jobs of a cluster, as docs/many_processes.md shows; here on this machine."""

import os

import pytest

from asl import ASLDataset, NearestNeighbour, cross_validate
from asl.files import CHECKOUT

submitit = pytest.importorskip("submitit", reason="needs requirements-cluster.txt")


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_jobs_find_what_one_process_finds(people, tmp_path, monkeypatch):
    def folds_and_answers(seed):
        dataset = ASLDataset(people, progress=False)
        result = cross_validate(NearestNeighbour, dataset, protocol="random", seeds=[seed])
        return result.folds.tolist(), result.log_probs.tolist()

    paths = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    executor = submitit.AutoExecutor(tmp_path / "jobs", cluster="local")
    executor.update_parameters(timeout_min=5)
    first, second = (job.result() for job in executor.map_array(folds_and_answers, [0, 1]))
    assert first == folds_and_answers(0) and second == folds_and_answers(1) != first
