"""What a computation runs with: device, precision, seed; and all that relies on torch's internals.

What relies on internals comes second. Each piece says what it reaches into and what that saves, and
`tests/test_devices.py` fails if a new version of torch changes it.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, optim

# --- where and how networks compute ---------------------------------------------------------------


def default_device() -> torch.device:
    """Returns CUDA if there is any, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def usable_device(device: torch.device | str | None) -> torch.device:
    """Returns a device that this machine has; None is `default_device()`.

    Raises:
        ValueError: if torch does not know the device or the machine lacks it.
    """
    if device is None:
        return default_device()
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # each backend has its own
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"expected a device of this machine, such as {default_device().type!r}, found "
            f"{str(device)!r}: {reason}"
        ) from error
    return found


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seeds the global generators in a block and restores them after it. None does nothing."""
    if seed is None:
        yield
        return
    # Dropout has no generator of its own: it draws from the global ones.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def drawn_generator(device: torch.device) -> torch.Generator:
    """Returns a generator on a device, seeded with a number drawn from the global one."""
    return torch.Generator(device).manual_seed(int(torch.randint(2**62, ())))


def autocast(device: torch.device, enabled: bool) -> torch.autocast:
    """Returns a context in which a model computes in bfloat16 where that is safe."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


# --- what relies on torch's internals -------------------------------------------------------------


def keep_freed_memory() -> None:
    """Lets each batch reuse the memory of the one before it, for the rest of the process.

    Otherwise glibc returns large blocks to the system as soon as they are free, and the system must
    clear them again for the next batch: the CNN then takes 1.2 times as long to train on a CPU.
    glibc keeps free memory up to twice the largest block that it has seen freed, and counts blocks
    up to 32 MB (see mallopt(3)). So this frees one such block, which is never written to. Other
    allocators ignore it.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def check_generator_state(state: Tensor, device: torch.device) -> None:
    """Raises ValueError unless a generator on a device can be in a state, which a file may hold.

    torch compares each of the two counters of a CPU's generator with its 624 numbers, but not the
    two with each other: it would then draw numbers from the memory behind them.
    """
    try:
        torch.Generator(device).set_state(state)
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"expected the state of a generator, found another: {reason}") from error
    if device.type == "cpu":
        left, following = (int(state[at : at + 4].view(torch.int32)) for at in (8, 16))
        if left + following != 625 and (left, following) != (1, 0):  # nothing drawn yet
            raise ValueError(
                "expected the state of a generator, found one that has drawn "
                f"{following} of 624 numbers, with {left} left"
            )


class AdamW(optim.AdamW):
    """torch's AdamW, without the decorators that torch.compile needs.

    They import the compiler (torch._dynamo) when first used, and nothing here is compiled: every
    process that trains would spend 0.8 s and 150 MiB more. Each method is torch's own, taken out of
    its decorators, which are private.
    """

    add_param_group = inspect.unwrap(optim.AdamW.add_param_group)
    step = torch.no_grad()(inspect.unwrap(optim.AdamW.step))
    zero_grad = inspect.unwrap(optim.AdamW.zero_grad)


class ReLU6(torch.autograd.Function):
    """`F.relu6` that computes in place, and so does its gradient.

    The forward and backward pass of `asl.ASLMobileNet` take 0.86 of the time on a CPU. The gradient
    that arrives is overwritten, through an overload of a private operator. That is safe because
    nobody else holds it: the output must go into exactly one convolution or mean.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        x.clamp_(0, 6)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward.grad_input(gradient, y, 0, 6, grad_input=gradient)
