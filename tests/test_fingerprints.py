"""What must change a key, and what must not."""

import functools
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import asl
from asl import ASLNet, create_sequential_model
from asl.fingerprints import CannotKeyError, environment, fingerprint, source_of_package

WIDTH = 3


def uses_width():
    return WIDTH


def scaled(width):
    return lambda x: width * x


def with_default(x=1):
    return x


def made(body, name="f", **names):
    """Returns a function or a class that is defined by text."""
    names["__name__"] = "a_users_module"
    exec(body, names)
    return names[name]


class Options:
    def __init__(self, **options):
        vars(self).update(options)


class Slotted:
    __slots__ = ("__hidden",)

    def __init__(self, hidden):
        self.__hidden = hidden


def seeded_net(**options):
    torch.manual_seed(0)
    return ASLNet(**options)


def frozen(model):
    model.attention.requires_grad_(False)
    return model


def with_dropout(model, p):
    model.shared[3].p = p
    return model


CHANGES = {
    "a number": (1, 2),
    "a kind of number": (1, 1.0),
    "a text": ("a", "b"),
    "an order": ([1, 2], [2, 1]),
    "a nesting": ([[1], 2], [1, [2]]),
    "one number in the middle of a large tensor": (
        torch.zeros(10_000),
        torch.zeros(10_000).index_fill(0, torch.tensor(5000), 1),
    ),
    "the type of a tensor": (torch.zeros(4), torch.zeros(4, dtype=torch.int32)),
    "the shape of a tensor": (torch.zeros(4), torch.zeros(2, 2)),
    "a large array": (np.zeros(10_000), np.eye(100).ravel()),
    "a function's body": (made("def f(x): return x + 1"), made("def f(x): return x + 2")),
    "a lambda's closure": (scaled(1), scaled(2)),
    "a default": (with_default, made("def with_default(x=2): return x", "with_default")),
    "what a partial holds": (
        functools.partial(with_default, 1),
        functools.partial(with_default, 2),
    ),
    "a global that a function uses": (
        made("def f(): return WIDTH", WIDTH=3),
        made("def f(): return WIDTH", WIDTH=4),
    ),
    "a function inside a function": (
        made("def f():\n  def g(): return 1\n  return g"),
        made("def f():\n  def g(): return 2\n  return g"),
    ),
    "a method": (
        made("class f:\n  def fit(self): return 1"),
        made("class f:\n  def fit(self): return 2"),
    ),
    "a constant of a class": (made("class f:\n  size = 1"), made("class f:\n  size = 2")),
    "a base class": (
        made("class A:\n  x = 1\nclass f(A): pass"),
        made("class A:\n  x = 2\nclass f(A): pass"),
    ),
    "what a method is bound to": (Options(a=1).__init__, Options(a=2).__init__),
    "a method that is bound by hand": (
        types.MethodType(made("def f(self): return 1"), 3),
        types.MethodType(made("def f(self): return 2"), 3),
    ),
    "an attribute": (Options(a=1), Options(a=2)),
    "an attribute in a slot": (Slotted(1), Slotted(2)),
    "an initial weight": (ASLNet(), ASLNet()),
    "what is frozen": (seeded_net(), frozen(seeded_net())),
    "a dropout's rate": (seeded_net(), with_dropout(seeded_net(), 0.5)),
    "an attribute that no layer shows": (seeded_net(), seeded_net(attention="channel")),
    "a model's mode": (seeded_net(), seeded_net().eval()),
    "the state of a generator": (
        torch.Generator().manual_seed(0),
        torch.Generator().manual_seed(1),
    ),
    "a function of torch": (torch.relu, torch.sigmoid),
    "a function of this project": (asl.normalize, asl.denormalize),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_key(change):
    before, after = CHANGES[change]
    assert fingerprint(before) != fingerprint(after)


def the_same():
    """Values that are made anew, equal in content."""
    torch.manual_seed(0)
    holds_itself: list = [1]
    holds_itself.append(holds_itself)
    return [
        {"a": [1, 2.5, None, (True, "x")], "b": {3, 4}},
        torch.arange(6).view(2, 3).T,
        np.arange(5),
        scaled(7),
        functools.partial(scaled(7), x=torch.ones(3)),
        Options(path=Path("x"), net=seeded_net()).__init__,
        Options(inner=Options(a=1)),
        seeded_net(attention="channel"),
        create_sequential_model(),
        holds_itself,
        nn.CrossEntropyLoss,
        uses_width,
        range(3),
        torch.float16,
    ]


def test_what_does_not_change_a_key():
    torch.manual_seed(0)
    create_sequential_model()  # numbers its hook
    for one, other in zip(the_same(), the_same(), strict=True):
        assert fingerprint(one) == fingerprint(other)


def test_making_an_optimizer_leaves_no_trace_in_the_key_of_its_class():
    class Own(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    before = fingerprint(functools.partial(Own, lr=0.1))
    Own([nn.Parameter(torch.ones(1))], lr=0.1)
    assert fingerprint(functools.partial(Own, lr=0.1)) == before


def test_a_training_leaves_no_trace_in_the_key_of_a_model():
    model = seeded_net()
    before = fingerprint(model)
    vars(model)["asl_metrics"], vars(model)["asl_input"] = {"a": [1.0]}, {"image_size": 28}
    assert fingerprint(model) == before


def test_tensors_that_are_restored_count_by_their_shape():
    one, other, small = (
        fingerprint(net, restored=net.state_dict().values())
        for net in (ASLNet(), ASLNet(), ASLNet(image_size=8))
    )
    assert one == other != small


def test_tensors_that_no_state_dict_holds_count_by_their_numbers():
    def net(attribute, buffer):
        net = nn.Linear(2, 2)
        net.attribute, net.shared = torch.tensor([attribute]), net.weight.data[0]
        net.register_buffer("buffer", torch.tensor([buffer]), persistent=False)
        return net

    nets = [net(1, 1), net(1, 1), net(2, 1), net(1, 2)]
    keys = [fingerprint(net, restored=net.state_dict().values()) for net in nets]
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_other_processes_find_the_same_keys():
    code = (
        "from tests_keys import *; import torch; torch.manual_seed(0); print(fingerprint("
        "[scaled(7), seeded_net(), Options(a=1), uses_width, create_sequential_model(), {3, 'a'}]))"
    )
    code = code.replace("from tests_keys import *; ", f"exec(open({__file__!r}).read()); ")
    run = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert run[0].stdout == run[1].stdout and len(run[0].stdout) == 17


def test_what_has_no_content_to_compare_is_refused(tmp_path):
    with open(tmp_path / "x", "w") as file:
        for value in (file, [file], functools.partial(print, file=file), iter([1]), object()):
            with pytest.raises(CannotKeyError, match="content cannot be compared"):
                fingerprint(value)
    with pytest.raises(CannotKeyError, match="one of Python objects"):
        fingerprint(np.array([object()]))


def test_the_environment_names_code_torch_threads_and_processor():
    found = environment()
    assert found["code of asl"] == source_of_package() and len(found["code of asl"]) == 16
    assert found["torch"] == torch.__version__
    assert found["threads"] == str(torch.get_num_threads()) and found["processor"]
