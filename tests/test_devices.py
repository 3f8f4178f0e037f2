"""Where networks compute, and that what relies on torch's internals still holds."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim

from asl import default_device
from asl.devices import AdamW, ReLU6, check_generator_state, usable_device


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_device_choice(cuda, mps, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert default_device().type == expected


def test_a_usable_device_is_one_that_is_here(monkeypatch):
    assert usable_device("cpu") == usable_device(torch.device("cpu")) == torch.device("cpu")
    assert usable_device(None) == default_device()
    with pytest.raises(ValueError, match="device of this machine, such as '.*', found 'gpu'"):
        usable_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="found 'cuda'"):
            usable_device("cuda")


@pytest.mark.parametrize("drawn", [0, 1, 600, 623, 624, 625, 2000])
def test_every_state_of_a_generator_is_one(drawn):
    generator = torch.Generator().manual_seed(0)
    torch.randint(2**31, (drawn,), generator=generator, dtype=torch.int32)
    torch.randn(3, generator=generator)  # keeps a number for the next time
    check_generator_state(generator.get_state(), torch.device("cpu"))


def test_a_state_whose_counters_do_not_fit_is_none():
    state = torch.Generator().manual_seed(0).get_state()
    assert state[8:24].view(torch.int32).tolist()[::2] == [1, 0]  # left to draw, and the next one
    for left, following in ((600, 600), (624, 624), (1, 1), (625, 0), (0, 625), (-1, 626)):
        state[8:12] = torch.tensor([left], dtype=torch.int32).view(torch.uint8)
        state[16:20] = torch.tensor([following], dtype=torch.int32).view(torch.uint8)
        with pytest.raises(ValueError, match="expected the state of a generator, found"):
            check_generator_state(state, torch.device("cpu"))
    for other in (state[:100], torch.zeros_like(state), state.float()):
        with pytest.raises(ValueError, match="expected the state of a generator, found another"):
            check_generator_state(other, torch.device("cpu"))


def run(code):
    """Runs code in a fresh interpreter and returns what it printed."""
    return subprocess.check_output([sys.executable, "-c", code], text=True).split()


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
def test_training_reuses_the_memory_of_a_batch_for_the_next():
    code = """
import resource, torch
from torch.utils.data import TensorDataset
from asl import ASLNet, train_model, training
{}
torch.set_num_threads(1)
data = TensorDataset(torch.randn(320, 3, 28, 28), torch.zeros(320, dtype=torch.long))
model, faults = ASLNet(), []
for epochs in (1, 4):
    train_model(model, data, None, epochs, seed=0, progress=False, device="cpu")
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[1] - faults[0])
"""
    (kept,), (without,) = (
        run(code.format(line)) for line in ("", "training.keep_freed_memory = lambda: None")
    )
    # Seen: up to 7,000, mostly instead of 100,000 to 180,000; some runs need few either way.
    assert int(kept) < max(20_000, int(without) / 3)


def test_loading_a_recogniser_leaves_the_processes_memory_and_threads_alone(monkeypatch):
    from asl import Recognizer, devices

    monkeypatch.setattr(torch, "set_num_threads", pytest.fail)
    monkeypatch.setattr(devices, "keep_freed_memory", pytest.fail)
    Recognizer.load()
    assert not hasattr(sys.modules["asl.recognizer.recognizer"], "keep_freed_memory")


def test_adamw_takes_the_steps_of_torchs():
    def trained(optimizer_class):
        torch.manual_seed(0)
        model = nn.Linear(5, 3)
        optimizer = optimizer_class(model.parameters(), lr=0.1, weight_decay=0.3, fused=True)
        for _ in range(4):
            model(torch.randn(8, 5)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            assert all(p.grad is None for p in model.parameters())
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert trained(AdamW).equal(trained(optim.AdamW))


def test_adamw_does_not_import_the_compiler():
    code = """
import sys, torch
from asl.devices import AdamW
weight = torch.nn.Parameter(torch.ones(2))
optimizer = AdamW([weight], fused=True)
weight.sum().backward(); optimizer.step(); optimizer.zero_grad()
print("torch._dynamo" in sys.modules)
"""
    assert run(code) == ["False"]


def test_relu6_and_its_gradient_are_torchs_and_in_place():
    x = torch.linspace(-3, 9, 25)

    def gradient(function):
        leaf = x.clone().requires_grad_()
        inner = leaf * 1  # a leaf cannot be changed in place
        out = function(inner)
        (out * torch.arange(25)).sum().backward()
        return out.detach(), leaf.grad, out.data_ptr() == inner.data_ptr()

    ours, plain = gradient(ReLU6.apply), gradient(F.relu6)
    assert ours[0].equal(plain[0]) and ours[1].equal(plain[1])
    assert ours[2] and not plain[2]


def test_relu6_overwrites_the_gradient_that_arrives():
    held = []
    inner = torch.randn(50, requires_grad=True) * 9
    out = ReLU6.apply(inner)
    inner.register_hook(lambda gradient: held.append(gradient.data_ptr()))
    arriving = torch.ones(50)
    out.backward(arriving)
    assert held == [arriving.data_ptr()]
