"""Joins the processes that torchrun has started, on one machine or on many.

See docs/many_processes.md.
"""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from asl.devices import usable_device
from asl.processes.group import Processes
from asl.processes.launch import launched

_LONG = timedelta(days=7)  # folds of a cross-validation are that patient with each other
_STARTING = timedelta(minutes=30)  # as torch: a machine may load its libraries slowly


class ProcessLostError(OSError):
    """Another process that works on the same has ended or no longer answers."""


@contextmanager
def joined(
    device: torch.device | str | None = None, *, timeout: float = 60.0
) -> Iterator[Processes]:
    """Joins the processes that torchrun has started, for a block; without it, there is one.

    A process that ends is noticed at once, since its connections close.

    Args:
        device: where to compute. None means a GPU of its own for each process where there is CUDA,
            else the CPU.
        timeout: seconds that a training step waits for a machine that no longer answers.

    Raises:
        ValueError: if this machine lacks the device, or has fewer GPUs than processes.
        ProcessLostError: inside the block, if another process has ended.
    """
    if launched()[0] == 1:
        yield Processes(device=None if device is None else usable_device(device))
        return
    device = _own_device(device)
    count, rank = launched()
    try:
        store, _, _ = next(rendezvous("env://", timeout=_STARTING))
        store = fresh_store(store, rank, count)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=_LONG)
        backend = "nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
        steps = dist.new_group(backend=backend, timeout=timedelta(seconds=timeout))
        yield Processes(rank, count, device, steps)
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise ProcessLostError(
                f"process {rank} of {count} stops, since another one has ended or does not answer; "
                f"what it said itself tells why. ({str(error).partition(' This is ')[0]})"
            ) from error
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def fresh_store(store: dist.Store, rank: int, count: int) -> dist.Store:
    """Returns a part of a store that only the processes of this start have ever seen.

    torchrun keeps one store over all restarts, and with it the addresses of processes that have
    ended: a process that is faster than another would connect to where that one was
    (pytorch/pytorch#135712). torchrun's count of restarts does not tell the starts apart, since
    each machine counts its own. So each process brings a number of its own, process 0 makes a list
    of them, and the list is used once everybody has found their number in it.

    Args:
        store: shared with the processes of this start, and of earlier ones that have ended.
        rank, count: of this process, and of all.

    Raises:
        torch.distributed.DistError: if a process has not come before the store's timeout.
    """
    mine, accepted = uuid.uuid4().hex, ""
    store.set(f"asl number {rank}", mine)
    end = time.monotonic() + store.timeout.total_seconds()  # type: ignore[attr-defined]
    while time.monotonic() < end:
        if rank == 0:
            found = [store.get(f"asl number {other}").decode() for other in range(count)]
            store.set("asl numbers", " ".join(found))
        numbers = store.get("asl numbers").decode()
        if numbers != accepted and mine in numbers.split():
            store.add(f"asl accepted {numbers}", 1)
            accepted = numbers
        if accepted and store.add(f"asl accepted {accepted}", 0) == count:
            return dist.PrefixStore(hashlib.sha256(accepted.encode()).hexdigest(), store)
        time.sleep(0.02)
    raise dist.DistStoreError(f"expected {count} processes to begin, and some have not")


def _own_device(device: torch.device | str | None) -> torch.device:
    """Returns the device of this process, one of several on this machine."""
    number, here = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if device is None and not torch.cuda.is_available():
        device = "cpu"  # MPS is one device, which processes cannot share
    if device is None or (torch.device(device).type == "cuda" and here):
        if number >= here:
            raise ValueError(
                f"expected a GPU for each process, found {here} on this machine for process "
                f"{number} of it (from 0): start {here} process(es), or compute on the CPU"
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    return usable_device(device)
