"""Weights that somebody made: whole, with a checksum that fits, and wrong."""

import json
import math
import resource
import time

import pytest
import torch
from torch import nn

from asl import ASLNet, Recognizer, load_model, predict, save_model
from asl.recognizer.checked_weights import check_tensors, number, text, whole_number
from asl.tensor_files import MODEL, RECOGNIZER, read_tensors, write_tensors

INDEX = "classifier.classifier.0.weight"


def with_tensor(name, change):
    def craft(tensors, facts):
        tensors[name] = change(tensors[name])

    return craft


def without_tensor(tensors, facts):
    del tensors[INDEX]


def more_tensors(tensors, facts):
    tensors["classifier.more"] = torch.ones(3)


def of_no_network(tensors, facts):
    tensors.clear()
    tensors["a"] = torch.ones(3)


def with_fact(name, value):
    def craft(tensors, facts):
        facts[name] = value

    return craft


def without_fact(name):
    def craft(tensors, facts):
        del facts[name]

    return craft


def poisoned(value, place=0):
    def change(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[place] = value
        return tensor

    return change


CRAFTED = {
    "nan in a weight": with_tensor(INDEX, poisoned(math.nan)),
    "infinity in a weight": with_tensor(INDEX, poisoned(math.inf, 5)),
    "minus infinity in the finder": with_tensor(
        "finder.features.0.0.0.weight", poisoned(-math.inf)
    ),
    "nan in a mean": with_tensor("classifier.shared.2.running_mean", poisoned(math.nan)),
    "a negative variance": with_tensor("classifier.shared.2.running_var", poisoned(-1.0)),
    "weights in double precision": with_tensor(INDEX, lambda t: t.double()),
    "whole numbers as weights": with_tensor(INDEX, lambda t: t.to(torch.int64)),
    "another shape": with_tensor(INDEX, lambda t: t[:, 1:]),
    "a transposed weight": with_tensor(INDEX, lambda t: t.T),
    "a huge weight": with_tensor(INDEX, lambda t: torch.zeros(1, 1).expand(4000, 4000)),
    "an empty weight": with_tensor(INDEX, lambda t: torch.zeros(0)),
    "a tensor missing": without_tensor,
    "a tensor too many": more_tensors,
    "tensors of no network": of_no_network,
    "temperature 0": with_fact("temperature", 0),
    "a negative temperature": with_fact("temperature", -1.0),
    "temperature nan": with_fact("temperature", math.nan),
    "temperature infinity": with_fact("temperature", math.inf),
    "a tiny temperature": with_fact("temperature", 1e-300),
    "a text as temperature": with_fact("temperature", "1"),
    "a threshold above 1": with_fact("threshold", 1.5),
    "a threshold below 0": with_fact("threshold", -0.1),
    "threshold nan": with_fact("threshold", math.nan),
    "no threshold": without_fact("threshold"),
    "an image size of 100,000": with_fact("image_size", 100_000),
    "an image size of another network": with_fact("image_size", 36),
    "an image size that is no whole number": with_fact("image_size", 96.0),
    "a negative image size": with_fact("image_size", -32),
    "a truth as image size": with_fact("image_size", True),
    "no image size": without_fact("image_size"),
    "an architecture that is none": with_fact("architecture", "transformer"),
    "a list as architecture": with_fact("architecture", ["cnn"]),
    "no architecture": without_fact("architecture"),
    "other signs": with_fact("classes", ["a", "b"]),
    "another mean": with_fact("mean", [0.5, 0.5, 0.5]),
    "no facts about training": without_fact("facts"),
    "facts that are none": with_fact("facts", [1, 2]),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("good") / "weights"
    Recognizer.create("cnn", image_size=32).save(path)
    return path


def test_at_least_thirty_ways_to_be_wrong_are_tried():
    assert len(CRAFTED) >= 30


@pytest.mark.parametrize("craft", CRAFTED.values(), ids=list(CRAFTED))
def test_crafted_weights_are_refused_with_the_reason(craft, good, tmp_path):
    tensors, facts = read_tensors(good, format=RECOGNIZER)
    craft(tensors, facts)
    write_tensors(tmp_path / "w", tensors, facts, format=RECOGNIZER)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(ValueError, match="holds no recogniser of this version: ") as caught:
        Recognizer.load(tmp_path / "w")
    assert len(str(caught.value)) < 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB on Linux
    assert time.monotonic() - start < 30  # no hang; a busy machine is slow


@pytest.mark.parametrize("content", ["[1]", "3", "null", "{", '{"a": ' * 50_000])
def test_facts_that_are_none_or_nested_too_deep(content, good, tmp_path, monkeypatch):
    tensors, _ = read_tensors(good, format=RECOGNIZER)
    monkeypatch.setattr(json, "dumps", lambda facts: content)
    write_tensors(tmp_path / "w", tensors, {}, format=RECOGNIZER)
    with pytest.raises(ValueError, match="holds no facts by name"):
        Recognizer.load(tmp_path / "w")


@pytest.mark.parametrize(
    "craft",
    [
        with_fact("image_size", 100_000),
        with_fact("image_size", 28.0),
        with_fact("architecture", None),
        with_fact("metrics", {"a": ["x"]}),
        with_fact("metrics", [1]),
        with_tensor("shared.0.weight", poisoned(math.nan)),
        with_tensor("shared.0.weight", lambda t: t[1:]),
    ],
)
def test_a_crafted_model_is_refused_too(craft, tmp_path):
    save_model(ASLNet(), tmp_path / "m")
    tensors, facts = read_tensors(tmp_path / "m", format=MODEL)
    craft(tensors, facts)
    write_tensors(tmp_path / "m", tensors, facts, format=MODEL)
    with pytest.raises(ValueError, match="expected|holds a"):
        load_model(tmp_path / "m")


def test_what_is_right_is_loaded(good):
    assert Recognizer.load(good).image_size == 32


# --- a network that goes wrong all the same ------------------------------------------------------


class Wrong(nn.Module):
    image_size = 28

    def forward(self, x):
        return torch.full((len(x), 36), math.nan)


def test_a_confidence_that_is_no_number_never_becomes_a_letter():
    recognizer = Recognizer.create(image_size=32)
    recognizer.classifier = Wrong()
    picture = torch.zeros(3, 40, 40, dtype=torch.uint8)
    assert recognizer(picture) == [(None, 1.0)]
    with pytest.raises(ValueError, match="expected numbers from the model, found nan"):
        predict(Wrong(), picture)


# --- the pieces ----------------------------------------------------------------------------------


def test_numbers_in_their_range_and_the_limits_themselves():
    facts = {"a": 0.5, "b": 3, "c": "x"}
    assert (number(facts, "a", 0.5, 1), number(facts, "b", 0, 3)) == (0.5, 3.0)
    assert whole_number(facts, "b", 3, 4) == 3 and text(facts, "c") == "x"
    for read in (lambda: number(facts, "a", 0.6, 1), lambda: whole_number(facts, "a", 0, 1)):
        with pytest.raises(ValueError, match="found 0.5"):
            read()


def test_half_precision_fits_and_any_device_will_do():
    network = nn.Linear(2, 1)
    halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
    check_tensors(nn.Linear(2, 1, device="meta"), halves)
    with pytest.raises(ValueError, match="found others: 'bias'"):
        check_tensors(network, {"weight": halves["weight"]})
