"""Files of weights whose checksum fits but whose content must not be let in."""

import json
import math
import resource
import struct

import pytest
import torch
from safetensors.torch import save
from torch import nn

from asl import ASLNet, Recognizer, load_model, save_model
from asl.tensor_files import MODEL, RECOGNIZER, _digest, read_tensors, write_tensors

FILTER = "classifier.features.0.0.weight"
VOTE = "finder.vote.weight"
VARIANCE = "classifier.features.0.1.running_var"


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """Tensors and facts of a whole recogniser's file."""
    path = tmp_path_factory.mktemp("weights") / "w"
    torch.manual_seed(0)
    Recognizer.create("resnet", image_size=32).save(path)
    return read_tensors(path, format=RECOGNIZER)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Tensors and facts of a whole model's file."""
    path = tmp_path_factory.mktemp("model") / "m"
    save_model(ASLNet(image_size=16), path)
    return read_tensors(path, format=MODEL)


def filled(name, value):
    """Returns what puts one number into a tensor."""

    def change(tensors):
        tensors[name] = tensors[name].clone()
        tensors[name].flatten()[0] = value

    return change


def cast(name, dtype):
    return lambda tensors: tensors.update({name: tensors[name].to(dtype)})


def put(**tensors):
    return lambda all_of_them: all_of_them.update(tensors)


DEEP = "[" * 50_000 + "]" * 50_000

TENSORS = {
    "nan": (filled(FILTER, math.nan), f"found nan or infinity in {FILTER}"),
    "infinity": (filled(FILTER, math.inf), f"found nan or infinity in {FILTER}"),
    "infinity in the finder": (filled(VOTE, math.inf), f"found nan or infinity in {VOTE}"),
    "minus infinity": (filled(FILTER, -math.inf), f"found nan or infinity in {FILTER}"),
    "nan variance": (filled(VARIANCE, math.nan), f"found nan or infinity in {VARIANCE}"),
    "infinite variance": (filled(VARIANCE, math.inf), f"found nan or infinity in {VARIANCE}"),
    "float64": (cast(FILTER, torch.float64), f"{FILTER} of torch.float32, found F64"),
    "int8": (cast(FILTER, torch.int8), "found I8"),
    "bool": (cast(FILTER, torch.bool), "found BOOL"),
    "complex": (cast(FILTER, torch.complex64), "found C64"),
    "bfloat16": (cast(FILTER, torch.bfloat16), "found BF16"),
    "float8": (cast(FILTER, torch.float8_e4m3fn), "found F8_E4M3"),
    "a count that is a float": (
        cast("classifier.features.0.1.num_batches_tracked", torch.float32),
        "of torch.int64, found F32",
    ),
    "missing": (lambda tensors: tensors.pop(FILTER), f"expected a tensor '{FILTER[:5]}"),
    "no finder of this version": (
        lambda tensors: tensors.pop("finder.at_16.0.activation.weight"),
        "expected a tensor 'finder.at_16",
    ),
    "none at all": (lambda tensors: tensors.clear(), "expected a tensor .*, found none"),
    "extra": (put(**{"classifier.more": torch.ones(1)}), "found 'classifier.more' beside them"),
    "of no network": (put(**{"more.weight": torch.ones(1)}), "found 'more.weight' beside them"),
    "a name that clears the screen": (put(**{"\x1b[2J": torch.ones(1)}), r"found '\\x1b\[2J'"),
    "another shape": (put(**{FILTER: torch.ones(32, 3, 5, 5).half()}), r"found \(32, 3, 5, 5\)"),
    "a scalar": (put(**{FILTER: torch.ones(()).half()}), r"found \(\)"),
    "empty": (put(**{FILTER: torch.ones(0, 3, 3, 3).half()}), r"found \(0, 3, 3, 3\)"),
}

FACTS = {
    "temperature 0": ({"temperature": 0}, "temperature from 0.01 to 100, found 0"),
    "temperature below 0": ({"temperature": -1.0}, "found -1.0"),
    "temperature nan": ({"temperature": math.nan}, "found nan"),
    "temperature infinite": ({"temperature": math.inf}, "found inf"),
    "temperature 1e-300": ({"temperature": 1e-300}, "found 1e-300"),
    "temperature true": ({"temperature": True}, "temperature as a number, found True"),
    "temperature a text": ({"temperature": "1"}, "temperature as a number, found '1'"),
    "temperature none": ({"temperature": None}, "temperature as a number, found None"),
    "temperature of many digits": ({"temperature": 10**4000}, "temperature from"),
    "threshold above 1": ({"threshold": 1.01}, "threshold from 0 to 1, found 1.01"),
    "threshold below 0": ({"threshold": -0.01}, "found -0.01"),
    "threshold nan": ({"threshold": math.nan}, "threshold from 0 to 1, found nan"),
    "threshold a list": ({"threshold": [0.5]}, r"threshold as a number, found \[0.5\]"),
    "size 100,000": ({"image_size": 100_000}, "image_size as a whole number.*found 100000"),
    "size a float": ({"image_size": 32.0}, "found 32.0"),
    "size below 0": ({"image_size": -32}, "found -32"),
    "size 0": ({"image_size": 0}, "found 0"),
    "size true": ({"image_size": True}, "found True"),
    "size a text": ({"image_size": "32"}, "found '32'"),
    "size none": ({"image_size": None}, "found None"),
    "size of other tensors": ({"image_size": 48}, "of shape .*, found"),
    "size that no network takes": ({"image_size": 33}, "a positive multiple of 16"),
    "largest size": (
        {"architecture": "mlp", "image_size": 1024},
        "expected a tensor|unable to mmap",
    ),
    "architecture unknown": ({"architecture": "vit"}, "expected an architecture of"),
    "architecture a list": ({"architecture": ["resnet"]}, "architecture as text"),
    "architecture long": ({"architecture": "x" * 1_000_000}, "found 'xxxxx.{1,20}\\.\\.\\."),
    "other classes": ({"classes": list("abc")}, "expected classes"),
    "classes a number": ({"classes": 36}, "expected classes"),
    "facts a list": ({"facts": []}, r"facts in a dict, found \[\]"),
    "facts none": ({"facts": None}, "facts in a dict, found None"),
}


def refused(path, load, message):
    """Asserts that a file is refused with a message of one line, and that little memory is used."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    words = str(caught.value)
    assert str(path) in words and "\x1b" not in words and len(words) < 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_of_a_recogniser(kind, recogniser, tmp_path):
    change, message = TENSORS[kind]
    tensors, facts = dict(recogniser[0]), recogniser[1]
    change(tensors)
    _write(tmp_path / "w", tensors, json.dumps(facts))
    refused(tmp_path / "w", Recognizer.load, f"no recogniser of this version: .*{message}")


@pytest.mark.parametrize("kind", FACTS)
def test_facts_of_a_recogniser(kind, recogniser, tmp_path):
    change, message = FACTS[kind]
    write_tensors(tmp_path / "w", recogniser[0], recogniser[1] | change, format=RECOGNIZER)
    refused(tmp_path / "w", Recognizer.load, message)


@pytest.mark.parametrize(
    "name",
    ["architecture", "image_size", "classes", "mean", "std", "temperature", "threshold", "facts"],
)
def test_missing_facts_of_a_recogniser(name, recogniser, tmp_path):
    facts = {key: value for key, value in recogniser[1].items() if key != name}
    write_tensors(tmp_path / "w", recogniser[0], facts, format=RECOGNIZER)
    refused(tmp_path / "w", Recognizer.load, f"expected {name}, found none")


def _write(path, tensors, text, format=RECOGNIZER):
    """Writes a file with a fitting checksum, whatever the facts and the dtypes."""
    try:
        digest = _digest(tensors, text, format)
    except TypeError:  # a dtype that numpy lacks
        digest = ""
    path.write_bytes(save(tensors, {"format": format, "facts": text, "sha256": digest}))


TEXTS = {
    "nested deep": DEEP,
    "nested deep in a dict": f'{{"facts": {DEEP}}}',
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "no JSON": "{",
    "nothing": "",
    "a number of many digits": f'{{"temperature": {"9" * 5000}}}',
    "long": json.dumps({"facts": {"x": [[]] * 1_500_000}}),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(("load", "format"), [(Recognizer.load, RECOGNIZER), (load_model, MODEL)])
def test_facts_that_are_no_dict(kind, load, format, recogniser, tmp_path):
    _write(tmp_path / "w", recogniser[0], TEXTS[kind], format)
    refused(tmp_path / "w", load, "expected a")


@pytest.mark.parametrize("length", [2**62, 2**40, 100_000_000])
def test_a_long_description_is_not_read(length, tmp_path):
    (tmp_path / "w").write_bytes(struct.pack("<Q", length) + b"{}")
    refused(tmp_path / "w", Recognizer.load, "its header is too long")


@pytest.mark.parametrize(("load", "format"), [(Recognizer.load, RECOGNIZER), (load_model, MODEL)])
def test_huge_tensors_are_not_read(load, format, recogniser, model, tmp_path):
    facts = json.dumps((recogniser if format == RECOGNIZER else model)[1])
    size = 40 * 2**30
    header = {
        "__metadata__": {"format": format, "facts": facts, "sha256": "0" * 64},
        FILTER: {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]},
    }
    text = json.dumps(header).encode()
    with open(tmp_path / "w", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)  # a hole, which takes no place on most disks
    refused(tmp_path / "w", load, "expected a tensor|unable to mmap")


MODELS = {
    "nan": (filled("classifier.0.weight", math.nan), {}, "nan or infinity in classifier.0"),
    "infinity": (filled("shared.2.running_var", math.inf), {}, "nan or infinity in shared.2"),
    "float64": (cast("classifier.0.weight", torch.float64), {}, "of other layers: .*found F64"),
    "extra": (put(more=torch.ones(1)), {}, "of other layers: .*found 'more' beside them"),
    "missing": (lambda tensors: tensors.pop("attention.0.bias"), {}, "'attention.0.bias', found n"),
    "size 100,000": (put(), {"image_size": 100_000}, "image_size as a whole number"),
    "size none": (put(), {"image_size": None}, "image_size as a whole number"),
    "size a float": (put(), {"image_size": 16.0}, "image_size as a whole number"),
    "size of other tensors": (put(), {"image_size": 32}, "of other layers: .*of shape"),
    "size that does not fit": (put(), {"image_size": 17}, "positive multiple of 4"),
    "architecture a list": (put(), {"architecture": []}, "which this project cannot build"),
    "architecture none": (put(), {"architecture": None}, "which this project cannot build"),
    "metrics a list": (put(), {"metrics": [1]}, r"metrics in a dict, found \[1\]"),
    "metrics of text": (put(), {"metrics": {"losses": ["x"]}}, "numbers as 'losses'"),
    "metrics no lists": (put(), {"metrics": {"losses": 3}}, "numbers as 'losses', found 3"),
    "transform a number": (put(), {"transform": 3}, "transform as text, found 3"),
    "other classes": (put(), {"classes": None}, "expected classes .*, found None"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_files_of_models(kind, model, tmp_path):
    change, facts, message = MODELS[kind]
    tensors = dict(model[0])
    change(tensors)
    write_tensors(tmp_path / "m", tensors, model[1] | facts, format=MODEL)
    refused(tmp_path / "m", load_model, message)


class Masked(nn.Module):
    """A model of a user's own with a buffer that is infinite on purpose."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(36)
        self.register_buffer("mask", torch.tensor([0, -math.inf]))


def test_a_model_of_your_own_may_have_masks_and_lazy_layers(tmp_path):
    mine = Masked()
    mine.layer(torch.ones(1, 5))
    save_model(mine, tmp_path / "m")
    assert load_model(tmp_path / "m", Masked()).layer.weight.equal(mine.layer.weight)
    mine.layer.weight.data[0] = math.nan
    save_model(mine, tmp_path / "m")
    refused(tmp_path / "m", lambda path: load_model(path, Masked()), "infinity in layer.weight")
