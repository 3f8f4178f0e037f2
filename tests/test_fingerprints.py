"""What must change a key, and what must not."""

import enum
import functools
import importlib
import subprocess
import sys
import types
import weakref
from collections import OrderedDict, defaultdict, namedtuple
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import asl
from asl import ASLNet, create_sequential_model
from asl.fingerprints import CannotKeyError, environment, fingerprint
from asl.source_code import source_of_package

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


class Light(enum.IntEnum):
    LEFT, RIGHT = 1, 2


def with_vars(value, **attributes):
    vars(value).update(attributes)
    return value


class Options:
    def __init__(self, **options):
        vars(self).update(options)


def with_attribute(strength):
    def f(x):
        return x * f.strength

    f.strength = strength
    return f


def derived(base, *content, body="pass", **attributes):
    """Returns an object of a class that adds something to a built-in one."""
    value = made(f"class f(base): {body}", base=base)(*content)
    vars(value).update(attributes)
    return value


def named_tuple(body):
    text = f"class f(NamedTuple):\n  x: int\n  def __call__(self, y): return {body}"
    return made(text, NamedTuple=NamedTuple)(1)


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
    "an attribute of a function": (with_attribute(1), with_attribute(2)),
    "a function that a decorator wraps": (
        functools.wraps(uses_width)(lambda: 1),
        functools.wraps(with_default)(lambda: 1),
    ),
    "which arguments have no names": (made("def f(x, /): x"), made("def f(x): x")),
    "what an exception is caught from": (
        made("def f(x):\n  try: x()\n  except OSError: pass\n  x()"),
        made("def f(x):\n  x()\n  try: x()\n  except OSError: pass"),
    ),
    "how a property is set": (
        property(with_default, made("def f(self, x): return 1")),
        property(with_default, made("def f(self, x): return 2")),
    ),
    "a metaclass": (
        made("class A(type):\n  def __call__(self): return 1\nclass f(metaclass=A): pass"),
        made("class A(type):\n  def __call__(self): return 2\nclass f(metaclass=A): pass"),
    ),
    "a special method that is an object": (
        made("class f: __call__ = g", g=functools.partial(with_default, 1)),
        made("class f: __call__ = g", g=functools.partial(with_default, 2)),
    ),
    "a method of a named tuple": (named_tuple("self.x + y"), named_tuple("self.x - y")),
    "a method of a list": (
        derived(list, body="__call__ = lambda self, x: x + 1"),
        derived(list, body="__call__ = lambda self, x: x + 2"),
    ),
    "an attribute of a list": (derived(list, p=1), derived(list, p=2)),
    "an attribute of a dict": (derived(dict, p=1), derived(dict, p=2)),
    "an attribute of a set": (derived(set, p=1), derived(set, p=2)),
    "an attribute of a number": (derived(float, 1.0, p=1), derived(float, 1.0, p=2)),
    "an attribute of a text": (derived(str, "a", p=1), derived(str, "a", p=2)),
    "an attribute of a partial": (
        derived(functools.partial, with_default, p=1),
        derived(functools.partial, with_default, p=2),
    ),
    "an attribute of a tensor": (with_vars(torch.zeros(2), p=1), with_vars(torch.zeros(2), p=2)),
    "an attribute of an array": (
        derived(np.ndarray, 0, p=1),
        derived(np.ndarray, 0, p=2),
    ),
    "a kind of dict": (OrderedDict(a=1), dict(a=1)),
    "what a dict answers for a missing key": (defaultdict(int), defaultdict(float)),
    "what a method of a dict is bound to": ({"a": 1}.get, {"a": 2}.get),
    "what is kept weakly": (weakref.ref(made("class f: x = 1")), weakref.ref(uses_width)),
    "a member of an enumeration": (Light.LEFT, Light.RIGHT),
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
        named_tuple("self.x"),
        namedtuple("Pair", "x y")(1, 2),
        derived(list, [1], p=1),
        derived(dict, p=torch.ones(2)),
        derived(float, 2.0, p=1),
        defaultdict(list, a=[1]),
        OrderedDict(a=1),
        torch.Size([1, 2]),
        torch.ones(3).max(0),
        with_attribute(3),
        functools.cache(with_attribute(3)),
        functools.singledispatch(with_default),
        Light.LEFT,
        made("class f: __repr__, upper = object.__repr__, str.upper"),
        types.MappingProxyType({"a": 1}),
        [1, 2].append,
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


# --- modules ------------------------------------------------------------------------------------


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Writes a module of a user's own, `helpers` by default, and loads it anew if it was."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two versions within one second
    before = set(sys.modules)

    def write_module(source, name="helpers", load=True):
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        return importlib.import_module(name) if load else None

    yield write_module
    for name in set(sys.modules) - before:
        del sys.modules[name]


USES = {
    "by attribute": "import helpers\ndef f(x): return helpers.scale(x)",
    "by another name": "import helpers as h\ndef f(x): return h.scale(x)",
    "by a name that is put together": "import helpers\ndef f(x): return getattr(helpers, 'sc' + x)",
    "imported in the function": "def f(x):\n  from helpers import scale\n  return scale(x)",
    "imported in a lambda's helper": "def f():\n  def g():\n    import helpers\n  return g",
    "in a class": "import helpers\nclass f:\n  def forward(self, x): return helpers.scale(x)",
}


@pytest.mark.parametrize("use", USES)
def test_code_in_a_module_of_the_users_own_counts(use, write_module):
    keys = []
    for source in ("def scale(x): return x * 1", "def scale(x): return x * 0") * 2:
        keys.append(fingerprint(made(USES[use], helpers=write_module(source))))
    assert keys[0] == keys[2] != keys[1] == keys[3]


@pytest.mark.parametrize("use", ["from deeper import inner", "def scale(x):\n  import deeper"])
def test_what_such_a_module_imports_counts_too(use, write_module):
    keys = []
    for number in (1, 2, 1):
        write_module(f"def inner(x): return x * {number}", "deeper")
        keys.append(fingerprint(made(USES["by attribute"], helpers=write_module(use))))
    assert keys[0] == keys[2] != keys[1]


def test_a_number_that_was_set_in_a_module_counts(write_module):
    helpers = write_module("K = 1")
    function = made("import helpers\ndef f(x): return x * helpers.K", helpers=helpers)
    before = fingerprint(function)
    helpers.K = 2
    assert fingerprint(function) != before
    helpers.K = 1
    assert fingerprint(function) == before


def test_code_that_runs_counts_also_if_its_file_is_newer(write_module, tmp_path):
    old = made(USES["by attribute"], helpers=write_module("def scale(x): return x * 1"))
    (tmp_path / "helpers.py").write_text("def scale(x): return x * 0")
    stale = fingerprint(old)  # what will run is the old code
    assert stale != fingerprint(made(USES["by attribute"], helpers=importlib.reload(old_module())))


def old_module():
    return sys.modules["helpers"]


def test_a_key_is_the_same_before_and_after_a_function_has_imported(write_module):
    write_module("def scale(x): return x", load=False)
    function = made(USES["imported in the function"])
    before = fingerprint(function)
    function(1)
    assert fingerprint(function) == before


def test_an_import_that_fails_is_no_error(write_module):
    write_module("raise RuntimeError('needs a GPU')", load=False)
    one = fingerprint(made(USES["imported in the function"]))
    write_module("raise RuntimeError('needs two GPUs')", load=False)
    assert fingerprint(made(USES["imported in the function"])) != one
    assert fingerprint(made("def f():\n  import there_is_none"))


def test_packages_of_the_users_own_count_by_what_is_used(write_module):
    keys = []
    for number in (1, 2, 1):
        write_module(f"def scale(x): return x * {number}", "nets.layers")
        nets = importlib.import_module("nets")
        nets.layers = sys.modules["nets.layers"]
        keys.append(fingerprint(made("def f(x): return nets.layers.scale(x)", nets=nets)))
    assert keys[0] == keys[2] != keys[1]


def test_modules_that_use_each_other(write_module):
    write_module("import helpers\ndef inner(x): return helpers.scale(x)", "deeper", load=False)
    helpers = write_module("import deeper\ndef scale(x): return deeper.inner(x)")
    assert fingerprint(made(USES["by attribute"], helpers=helpers))


def test_a_module_without_a_file_is_refused():
    bare = types.ModuleType("bare")
    with pytest.raises(CannotKeyError, match="modules with a file, found 'bare'"):
        fingerprint(made("def f(): return bare.x", bare=bare))


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
    for value in (torch.eye(3).to_sparse(), torch.empty(2, device="meta")):
        with pytest.raises(CannotKeyError, match="content cannot be compared"):
            fingerprint(value)
    with pytest.raises(CannotKeyError, match="content cannot be compared"):
        fingerprint([], restored=[torch.eye(3).to_sparse()])
    with pytest.raises(CannotKeyError, match="one of Python objects"):
        fingerprint(np.array([object()]))


def test_the_environment_names_code_torch_threads_processor_and_precision():
    found = environment()
    assert found["code of asl"] == source_of_package() and len(found["code of asl"]) == 16
    assert found["torch"] == torch.__version__
    assert found["threads"] == str(torch.get_num_threads()) and found["processor"]
    assert found["float32 precision"] == torch.get_float32_matmul_precision()
