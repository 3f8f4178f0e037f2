"""A GPU that is not there: its tensors say "cuda", lie on the CPU, and who waits for them is noted.

So a machine without a GPU tells whether a training step would wait for one. Everything is computed,
and with the CPU's numbers.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

GPU = torch.device("cuda", 0)
_SMALL = 4096  # bytes. CUDA takes up to 64 KB from the host at once, but pixels should not pass
_TOLD = {  # operations of which the host is told a number, or how many rows there are
    *("_local_scalar_dense", "bincount", "equal", "masked_select", "nonzero", "repeat_interleave"),
    *("unique_consecutive", "unique_dim", "_unique", "_unique2"),
}


class OnGpu(Tensor):
    """A tensor that says that it lies on the GPU. What it holds lies on the CPU.

    To torch it lies on "meta", a device without memory, which needs no driver.
    """

    held: Tensor
    device = GPU
    is_cuda, is_cpu, is_meta = True, False, False
    __torch_function__ = torch._C._disabled_torch_function_impl

    def __new__(cls, held: Tensor):
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device="meta"
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise RuntimeError(f"expected {function} inside `pretended_gpu`, which computes it")


class _Generator(torch.Generator):
    """A generator of the CPU that says where it was asked for."""

    def __new__(cls, device="cpu"):
        made = super().__new__(cls)
        made.asked_for = torch.device(device)
        return made

    @property
    def device(self):
        return self.asked_for


class _Gpu(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.noted: list[str] = []

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # or the first operation imports the compiler

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        there = [x for x in given if isinstance(x, OnGpu)]
        name = function.overloadpacket.__name__
        to_gpu = bool(there)
        if kwargs.get("device") is not None:
            to_gpu = torch.device(kwargs["device"]).type in ("cuda", "meta")
            kwargs["device"] = torch.device("cpu")
        if name in ("_to_copy", "copy_"):
            source = args[0] if name == "_to_copy" else args[1]
            non_blocking = kwargs.get("non_blocking") or (name == "copy_" and (*args, False)[2])
            small = source.nbytes <= _SMALL
            if isinstance(source, OnGpu):
                if not to_gpu or not isinstance(args[0], OnGpu):
                    self.noted.append("copied to the host")
            elif to_gpu and not (non_blocking and small):
                self.noted.append("copied from the host")
        elif there and any(x.ndim and not isinstance(x, OnGpu) for x in given):
            self.noted.append(f"copied from the host for {name}")
        elif there and (name in _TOLD or (name.startswith("index") and _by_truth(args[1]))):
            self.noted.append(name)
        held_by = {id(x.held): x for x in there}
        args, kwargs = tree_map(lambda x: x.held if isinstance(x, OnGpu) else x, (args, kwargs))
        result = function(*args, **kwargs)

        def placed(x):
            if not isinstance(x, Tensor) or not to_gpu:
                return x
            return held_by[id(x)] if id(x) in held_by else OnGpu(x)

        return tree_map(placed, result)


def _by_truth(chosen) -> bool:
    return isinstance(chosen, list | tuple) and any(
        x is not None and x.dtype in (torch.bool, torch.uint8) for x in chosen
    )


@contextmanager
def pretended_gpu() -> Iterator[list[str]]:
    """Pretends in a block that the device "cuda" is there.

    Yields:
        A list of what made the host wait, in order, among "step" for each step of an optimiser.
    """
    fork, gpu = torch.random.fork_rng, _Gpu()
    lift = torch._C._only_lift_cpu_tensors()
    with ExitStack() as stack:
        for of, name, stand_in in (
            (torch.cuda, "_lazy_init", lambda: None),
            (torch.cuda, "mem_get_info", lambda device: (1 << 40, 1 << 40)),
            (torch.random, "fork_rng", lambda devices: fork(devices=[])),
            (torch, "Generator", _Generator),
        ):
            stack.enter_context(patch.object(of, name, stand_in))
        stack.callback(register_optimizer_step_pre_hook(lambda *_: gpu.noted.append("step")).remove)
        torch._C._set_only_lift_cpu_tensors(True)  # or `torch.tensor` would look for a real one
        stack.callback(torch._C._set_only_lift_cpu_tensors, lift)
        stack.enter_context(gpu)
        yield gpu.noted
