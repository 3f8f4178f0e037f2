"""How much memory something takes at most, in a process that does nothing else. Linux only."""

from pathlib import Path

CAN_MEASURE = Path("/proc/self/clear_refs").exists()


def begin() -> int:
    """Starts measuring; returns what the process has already, in kilobytes.

    It resets the kernel's mark for this process's memory. The one that the module `resource` tells
    begins, in a child, with what its parent had.
    """
    Path("/proc/self/clear_refs").write_text("5")
    return _kilobytes("VmRSS")


def megabytes_since(before: int) -> int:
    """Returns how many MB more than `begin` has returned there were at most since."""
    return round((_kilobytes("VmHWM") - before) * 1024 / 1e6)


def _kilobytes(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))
