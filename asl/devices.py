"""Where networks compute, in what precision, and what becomes of the memory they free."""

import torch


def default_device() -> torch.device:
    """Returns CUDA if there is any, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def autocast(device: torch.device, enabled: bool) -> torch.autocast:
    """Returns a context in which a model computes in bfloat16 where that is safe."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def fast_in_bfloat16(device: torch.device) -> bool:
    """Tells whether a device computes in bfloat16 faster than in float32.

    Of CPUs those with tiles for it (AMX) are taken to. One with AVX-512's bfloat16 instructions
    alone needs 1.3 to 1.5 times as long in it as in float32, for answers and for training a finder.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_amx_tile_supported()


def keep_freed_memory() -> None:
    """Lets the next batch reuse a batch's memory instead of fetching it from the system again.

    glibc returns free memory beyond twice the largest block it has seen freed (blocks up to 32 MB
    count, see mallopt(3)), and clearing it anew every step took a quarter of the CNN's training
    time on a CPU. So one such block, never written to, is freed first. Elsewhere this does nothing.
    """
    torch.empty(31 << 20, dtype=torch.uint8)
