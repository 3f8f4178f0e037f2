"""Files of checkpoints, and crafted ones, whose checksum fits, that no training can go on from."""

import math
import os
import sys
from functools import partial

import pytest
import torch
from safetensors.torch import save
from torch import optim
from torch.utils.data import TensorDataset

from asl import create_sequential_model, save_model, train_model
from asl.checkpoints import read_checkpoint, write_checkpoint
from asl.tensor_files import CHECKPOINT, _digest, read_tensors, write_tensors

IMAGES = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
DATA = TensorDataset(IMAGES, torch.arange(8))


MLP = partial(create_sequential_model, image_size=4)


def train(path, stop=None, model=None, **options):
    """Trains three epochs from fixed first weights, or is interrupted in the epoch `stop`."""

    def interrupt(epoch, metrics):
        if epoch == stop:
            raise KeyboardInterrupt

    torch.manual_seed(0)
    model = MLP() if model is None else model
    options = {"seed": 3, "device": "cpu", "progress": False, "callback": interrupt} | options
    train_model(model, DATA, None, 3, checkpoint=path, **options)
    return model


@pytest.fixture
def interrupted(tmp_path):
    """Interrupts a training in its second epoch.

    Returns:
        A function of options of `train` → its checkpoint, the description and the state in it.
    """

    def interrupted(**options):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "c", stop=2, **options)
        description = read_tensors(tmp_path / "c", format=CHECKPOINT)[1]["description"]
        return tmp_path / "c", description, read_checkpoint(tmp_path / "c", description)

    return interrupted


# --- the file ------------------------------------------------------------------------------------


def test_what_cannot_be_kept_is_told(tmp_path):
    with pytest.raises(ValueError, match="found a object in it"):
        write_checkpoint(tmp_path / "c", {}, {"a": object()})
    state = {"a": (1, [2.5, None, "x"]), 3: {"t": torch.arange(3)}, "nan": math.inf}
    write_checkpoint(tmp_path / "c", {"what": "a test"}, state)
    read = read_checkpoint(tmp_path / "c", {"what": "a test"})
    assert read[3]["t"].equal(state[3].pop("t")) and read[3].pop("t") is not None
    assert read == state
    assert read_checkpoint(tmp_path / "none", {}) is None


FILES = {
    "nothing": ({}, {}, "a description in texts, found None"),
    "no state": ({}, {}, "expected a state, found none"),
    "null for a state": ({"state": None}, {}, "expected a state, found none"),
    "a description of numbers": ({"description": {"lr": 1}}, {}, "a description in texts"),
    "a description in a list": ({"description": ["lr"]}, {}, "a description in texts"),
    "no such tensor": ({"state": {"tensor": "1"}}, {}, "a tensor of the file, found"),
    "a tensor by number": ({"state": {"tensor": 0}}, {"0": 1}, "a tensor of the file, found"),
    "a tensor by list": ({"state": {"tensor": []}}, {"0": 1}, "a tensor of the file, found"),
    "a tensor twice": (
        {"state": [{"tensor": "0"}, {"tensor": "0"}]},
        {"0": 1},
        "a tensor of the file, found",
    ),
    "a tensor too many": ({"state": 1}, {"\x1b[2J": 1}, r"no more tensors, found '\\x1b\[2J'"),
    "no kind": ({"state": {}}, {}, "expected a dict, a tuple or a tensor"),
    "two kinds": ({"state": {"tuple": [], "dict": []}}, {}, "expected a dict, a tuple or a tensor"),
    "another kind": ({"state": {"set": []}}, {}, "expected a dict, a tuple or a tensor"),
    "a tuple of no list": ({"state": {"tuple": 3}}, {}, "expected a dict, a tuple or a tensor"),
    "a dict of no pairs": ({"state": {"dict": [[1]]}}, {}, r"what it stands for, found \[1\]"),
    "a list for a name": ({"state": {"dict": [[[], 1]]}}, {}, r"a name or a number, found \[\]"),
    "a list in a name": ({"state": {"dict": [[{"tuple": [[]]}, 1]]}}, {}, "a name or a number"),
    "a tensor for a name": (
        {"state": {"dict": [[{"tensor": "0"}, 1]]}},
        {"0": 1},
        "a name or a number",
    ),
    "a number of many digits": ({"state": 10**400}, {}, r"whole numbers below 2\^63"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_no_writer_wrote_is_refused(kind, tmp_path):
    facts, tensors, message = FILES[kind]
    tensors = {name: torch.tensor(value) for name, value in tensors.items()}
    facts = facts if kind == "nothing" else {"description": {}, **facts}
    write_tensors(tmp_path / "c", tensors, facts, format=CHECKPOINT)
    with pytest.raises(ValueError, match=f"holds no checkpoint that .*{message}") as caught:
        read_checkpoint(tmp_path / "c", {})
    words = str(caught.value)
    assert f"'{tmp_path / 'c'}'" in words and "remove the file to begin again" in words
    assert "\x1b" not in words and len(words) < 1000


@pytest.mark.parametrize("kind", ["weights", "a picture", "nothing", "cut off"])
def test_a_file_of_another_kind_is_refused_with_what_to_do(kind, tmp_path):
    if kind == "weights":
        save_model(MLP(), tmp_path / "c")
    else:
        train(tmp_path / "c")
        content = {"a picture": b"\xff\xd8\xff" * 99, "nothing": b""}
        whole = (tmp_path / "c").read_bytes()
        (tmp_path / "c").write_bytes(content.get(kind, whole[:-9]))
    before = (tmp_path / "c").read_bytes()
    with pytest.raises(ValueError, match="Give another path, or remove the file to begin again"):
        train(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == before


def test_a_state_that_is_nested_deep_is_refused(tmp_path):
    deep = sys.getrecursionlimit() - 50
    text = f'{{"description": {{}}, "state": {"[" * deep}{"]" * deep}}}'
    metadata = {"format": CHECKPOINT, "facts": text, "sha256": _digest({}, text, CHECKPOINT)}
    (tmp_path / "c").write_bytes(save({}, metadata))
    with pytest.raises(ValueError, match="nested too deep|its facts cannot be read"):
        read_checkpoint(tmp_path / "c", {})


def test_differences_are_shown_without_what_a_terminal_obeys(tmp_path):
    path = tmp_path / ("\x1b[2Jc" if os.name == "posix" else "c")
    written = {f"\x1b[2J{i}": "\x1b[2J" * 100 for i in range(300)}
    write_checkpoint(path, written, {})
    with pytest.raises(ValueError, match="checkpoint of another training") as caught:
        read_checkpoint(path, {"lr": "0.1"})
    words = str(caught.value)
    assert "\x1b" not in words and r"\x1b[2J" in words and len(words) < 20_000
    assert "lr: none then, 0.1 now" in words and "and 281 more" in words


# --- the state -----------------------------------------------------------------------------------


def put(*keys, value):
    """Returns what puts a value into a state, at a path of keys."""

    def change(state):
        *above, last = keys
        for key in above:
            state = state[key]
        state[last] = value(state[last]) if callable(value) else value

    return change


def drop(*keys):
    def change(state):
        *above, last = keys
        for key in above:
            state = state[key]
        del state[last]

    return change


def filled(value):
    """Returns what puts one number into a tensor."""

    def fill(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[0] = value
        return tensor

    return fill


def counters(left, following):
    """Returns what changes the two counters of a CPU's generator."""

    def change(state):
        state = state.clone()
        state[8:12] = torch.tensor([left], dtype=torch.int32).view(torch.uint8)
        state[16:20] = torch.tensor([following], dtype=torch.int32).view(torch.uint8)
        return state

    return change


WEIGHT, VARIANCE, COUNT = "1.weight", "3.running_var", "3.num_batches_tracked"
GROUP = ("optimizer", "param_groups", 0)
FIRST = ("optimizer", "state", 0)
STATES = {
    "no model": (drop("model"), "expected 'model' in the state, found none"),
    "something more": (put("more", value=1), "the state to hold no more, found 'more'"),
    "no number": (put("epoch", value="1"), "an epoch from 1 to 3, found '1'"),
    "true for a number": (put("epoch", value=True), "an epoch from 1 to 3, found True"),
    "the epoch before the first": (put("epoch", value=0), "an epoch from 1 to 3, found 0"),
    "an epoch after the last": (put("epoch", value=4), "an epoch from 1 to 3, found 4"),
    "an epoch that was not measured": (put("epoch", value=2), "expected 2 numbers as train_losses"),
    "ended, in words": (put("ended", value="no"), "true or false, found 'no'"),
    "results in a list": (put("results", value=[]), r"the results in a dict, found \[\]"),
    "no losses": (drop("results", "train_losses"), "expected 'train_losses' in the results"),
    "losses in words": (put("results", "train_losses", value=["x"]), "1 numbers as train_losses"),
    "nan in the weights": (put("model", WEIGHT, value=filled(math.nan)), f"infinity in {WEIGHT}"),
    "infinity in them": (put("model", WEIGHT, value=filled(math.inf)), f"infinity in {WEIGHT}"),
    "a nan variance": (put("model", VARIANCE, value=filled(math.nan)), f"infinity in {VARIANCE}"),
    "no weights": (drop("model", WEIGHT), f"expected '{WEIGHT}' in the model, found none"),
    "more weights": (
        lambda state: state["model"].update({"\x1b[2J": torch.ones(1)}),
        r"to hold no more, found '\\x1b\[2J'",
    ),
    "weights in words": (put("model", WEIGHT, value="x"), f"the weights '{WEIGHT}' as .*found 'x'"),
    "weights of another type": (put("model", WEIGHT, value=lambda t: t.double()), "found torch.fl"),
    "weights of another shape": (put("model", WEIGHT, value=lambda t: t[:1]), r"found torch.*\(1,"),
    "a count that is a float": (put("model", COUNT, value=lambda t: t.float()), "as torch.int64"),
    "no optimizer": (put("optimizer", value=None), "the optimizer in a dict, found None"),
    "no groups": (
        put("optimizer", "param_groups", value=[]),
        r"1 groups of parameters, found \[\]",
    ),
    "groups in words": (put("optimizer", "param_groups", value="x"), "1 groups of parameters"),
    "no rate": (drop(*GROUP, "lr"), "expected 'lr' in a group of parameters, found none"),
    "other parameters": (put(*GROUP, "params", value=[5]), r"in a group, found \[5\]"),
    "parameters that are true": (
        put(*GROUP, "params", value=lambda numbers: [False, True, *numbers[2:]]),
        r"in a group, found \[False",
    ),
    "a rate in words": (put(*GROUP, "lr", value="fast"), "fails with TypeError|TypeError: "),
    "moments of no parameter": (
        put("optimizer", "state", value=lambda state: state | {99: {}}),
        "the number of a parameter, found 99",
    ),
    "moments in a list": (put(*FIRST, value=[1]), r"a dict for parameter 0, found \[1\]"),
    "moments shorter than what they belong to": (
        put(*FIRST, "exp_avg", value=lambda t: t[:1]),
        r"'exp_avg' of parameter 0 as torch.float32 \(256, 48\), found torch.float32 \(1, 48\)",
    ),
    "moments of another type": (
        put(*FIRST, "exp_avg", value=lambda t: t.double()),
        "'exp_avg' of parameter 0 as torch.float32",
    ),
    "an empty number of steps": (
        put(*FIRST, "step", value=torch.empty(0)),
        r"'step' of parameter 0 as torch.float32 \(\), found torch.float32 \(0,\)",
    ),
    "no second moments": (
        drop(*FIRST, "exp_avg_sq"),
        "the optimizer or the scheduler fails with KeyError: 'exp_avg_sq'",
    ),
    "moments in words": (put(*FIRST, "exp_avg", value="x"), "fails with TypeError"),
    "a schedule in a list": (put("scheduler", value=[]), r"the scheduler in a dict, found \[\]"),
    "a schedule without steps": (drop("scheduler", "total_steps"), "expected 'total_steps' in the"),
    "a text for a method": (put("scheduler", "get_lr", value="x"), "no 'get_lr' in the sch"),
    "another optimizer": (put("scheduler", "optimizer", value=0), "no 'optimizer' in the sch"),
    "steps in words": (put("scheduler", "total_steps", value="x"), "fails with TypeError"),
    "no rates": (put("scheduler", "_last_lr", value=[]), "fails with IndexError"),
    "no generators": (put("random", value={}), "expected 'global' in the generators, found none"),
    "a short generator": (
        put("random", "global", value=lambda t: t[:99]),
        "the generator 'global'",
    ),
    "a generator of zeros": (
        put("random", "global", value=torch.zeros_like),
        "expected the state of a generator",
    ),
    "a generator that reads beyond its numbers": (
        put("random", "global", value=counters(600, 600)),
        "has drawn 600 of 624 numbers, with 600 left",
    ),
}


@pytest.mark.parametrize("kind", STATES)
def test_a_state_that_no_training_was_in_is_refused(kind, interrupted):
    change, message = STATES[kind]
    path, description, state = interrupted()
    change(state)
    write_checkpoint(path, description, state)
    model = MLP()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=f"holds no checkpoint that .*({message})") as caught:
        train(path, model=model)
    words = str(caught.value)
    assert f"'{path}'" in words and "\x1b" not in words and len(words) < 1000
    if "fails with" not in words:  # nothing was touched
        assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())


def test_buffers_that_are_infinite_on_purpose_stay(tmp_path):
    def masked():
        torch.manual_seed(0)
        model = MLP()
        model[1].register_buffer("mask", torch.tensor([0, -math.inf]))
        return model

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "c", stop=2, model=masked())
    assert train(tmp_path / "c", model=masked())[1].mask[1] == -math.inf


# --- what trainings have -------------------------------------------------------------------------


class Noting(optim.SGD):
    """Keeps something for all parameters together, and a list that grows."""

    def step(self, closure=None):
        super().step(closure)
        self.state["of all"] = {"steps": self.state.get("of all", {}).get("steps", 0) + 1}
        noted = self.state[self.param_groups[0]["params"][0]]
        noted["noted"] = [*noted.get("noted", []), torch.ones(2)]


class Remembering(optim.lr_scheduler.LRScheduler):
    """Gets an attribute only once it has moved."""

    def get_lr(self):
        if self.last_epoch > 0:
            self.rates = [*getattr(self, "rates", []), 0.01 / self.last_epoch]
        return [0.01 / (1 + self.last_epoch) for _ in self.base_lrs]


def in_sequence(optimizer):
    parts = [
        optim.lr_scheduler.LinearLR(optimizer),
        optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
    ]
    return optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[1])


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": partial(optim.SGD, lr=0.01, momentum=0.9, fused=True)},
        {"optimizer": partial(optim.Adagrad, fused=True)},
        {"optimizer": partial(optim.AdamW, amsgrad=True, fused=True)},
        {"optimizer": optim.Adafactor},
        {"optimizer": optim.NAdam},
        {"optimizer": optim.Rprop},
        {"optimizer": partial(Noting, lr=0.01)},
        {"scheduler": partial(optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 0.9**step)},
        {"scheduler": partial(optim.lr_scheduler.MultiStepLR, milestones=[1, 1, 2])},
        {"scheduler": partial(optim.lr_scheduler.CosineAnnealingWarmRestarts, T_0=2)},
        {"scheduler": in_sequence},
        {"scheduler": Remembering},
    ],
)
def test_whatever_optimizer_and_schedule_go_on(options, tmp_path):
    whole = train(None, **options)
    for stop in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "c", stop=stop, **options)
    resumed = train(tmp_path / "c", **options).state_dict()
    assert all(value.equal(resumed[name]) for name, value in whole.state_dict().items())
