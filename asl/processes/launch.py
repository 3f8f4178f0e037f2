"""What torchrun has said about this process. Imports nothing heavy."""

import os

_SAID = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def launched() -> tuple[int, int]:
    """Returns how many processes torchrun has started, and this one's number, from 0.

    Without torchrun that is one, with the number 0.
    """
    if not all(name in os.environ for name in _SAID):
        return 1, 0
    return int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
