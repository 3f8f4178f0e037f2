"""The arguments of the command `cache`. Imports nothing heavy."""

import argparse


def add_cache(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `cache`, beside --json."""
    sub.add_argument(
        "--clear", action="store_true", help="remove them; the next program decodes again"
    )
    sub.description = (
        f"{sub.description} $ASL_CACHE_DIR names another folder, $ASL_CACHE_GB another limit "
        "(default: 10; 0 keeps nothing)."
    )
