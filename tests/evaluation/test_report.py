import json

import pytest
import torch
from torch import nn

from asl import CrossValidation, load_results, score_table
from asl.evaluation import report


def result_of(predictions, labels, signers, bursts=None):
    """A cross-validation whose models, one row a seed, are sure of their answers."""
    predictions = torch.tensor(predictions)
    return CrossValidation(
        protocol="signer",
        seeds=tuple(range(len(predictions))),
        labels=torch.tensor(labels),
        log_probs=nn.functional.one_hot(predictions, 36).float().log(),
        folds=torch.zeros_like(predictions),
        temperatures=None,
        signers=signers,
        bursts=bursts,
    )


def test_scores():
    # Labels "0", "o", "5", "5"; "o" is taken for "0" by the first seed, "5" for "6" by both.
    scores = result_of(
        [[0, 0, 5, 6], [0, 24, 5, 6]], [0, 24, 5, 5], [1, 1, 1, 2], list("abcc")
    ).scores()
    assert (scores["images"], scores["seeds"]) == (4, 2)
    labels, shapes = scores["labels_36"], scores["shapes_33"]
    assert labels["accuracy"]["mean"] == 0.625 and labels["accuracy"]["sd"] == 0.1768
    assert shapes["accuracy"]["mean"] == 0.75 and shapes["accuracy"]["sd"] == 0
    assert shapes["accuracy"]["interval"] == [0.5, 1]  # the burst of both fives stays together
    assert labels["per_signer"]["1"] == {"n": 3, "mean": 0.8333, "sd": 0.2357, "absent_signs": 33}
    assert labels["worst_signer"] == {"signer": 2, "n": 1, "mean": 0, "sd": 0, "absent_signs": 35}
    assert labels["signer_mean"]["mean"] == 0.4167  # not weighed by images
    assert labels["per_sign"]["5"] == 0.5 and labels["per_sign"]["z"] is None
    assert len(labels["absent_signs"]) == 33 and len(shapes["absent_signs"]) == 31
    assert labels["ece"]["mean"] == 0.375  # always certain, right 62.5 %
    assert labels["reliability"] == [[8, 1.0, 0.625]]
    assert labels["selective"][-1] == [1.0, 0.625]
    assert scores["confusions"][:2] == [["5", "6", 0.5], ["o", "0", 0.5]]
    json.dumps(scores)


def test_scores_without_signers_or_bursts():
    scores = result_of([[1, 2]], [1, 1], [None, None]).scores()["labels_36"]
    assert scores["accuracy"] == {"mean": 0.5, "sd": None, "interval": [0, 1]}
    assert "per_signer" not in scores


def test_recorded_figures_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_results("evaluate_signer")["setting"]["protocol"] == "signer"
    with pytest.raises(FileNotFoundError, match="found: .*audit, .*evaluate_burst.*pip install -e"):
        load_results("evaluate_nothing")
    monkeypatch.setattr(report, "CHECKOUT", tmp_path)
    with pytest.raises(FileNotFoundError, match="found: none"):
        load_results("evaluate_signer")


def test_a_table_has_shares_in_percent_and_counts_as_whole_numbers():
    table = score_table(
        {1: {"n": 900, "mean": 0.98765, "sd": None}, 2: {"n": 5, "mean": 1.0, "interval": [0.9, 1]}}
    )
    assert list(table.columns) == ["n", "mean (%)", "interval (%)"]
    assert table["n"].dtype.kind == "i" and table["mean (%)"].tolist() == [98.8, 100.0]
    assert table.loc[2, "interval (%)"] == "90.0 to 100.0"
    assert score_table({"a": 0.5})["share (%)"].tolist() == [50.0]


def test_of_one_burst_there_is_no_interval_and_json_can_hold_it():
    scores = result_of([[1, 2]], [1, 1], [1, 1], ["a", "a"]).scores()
    assert scores["labels_36"]["accuracy"]["interval"] is None
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
