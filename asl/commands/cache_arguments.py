"""What the command about decoded images can be given. Imports nothing heavy."""

import argparse


def add_cache(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `cache`, beside --json."""
    sub.add_argument(
        "--clear", action="store_true", help="remove them; the next program decodes again"
    )
    sub.description = (
        f"{sub.description} $ASL_CACHE_DIR names another place, $ASL_CACHE_GB another bound "
        "(default: 10; 0 keeps nothing)."
    )
