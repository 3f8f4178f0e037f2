import argparse
import inspect

import pytest

from asl.commands import fit_arguments
from asl.commands.fit_arguments import positive
from asl.recognizer.networks import ARCHITECTURES
from asl.splits import SPLITS


def test_what_is_copied_from_heavier_modules_is_the_same():
    assert fit_arguments.SPLITS == SPLITS
    usual = {
        name: inspect.signature(make).parameters["image_size"].default
        for name, make in ARCHITECTURES.items()
    }
    assert usual == fit_arguments.IMAGE_SIZES


def test_a_rate_is_a_number_above_zero():
    assert positive("1e-3") == 0.001
    for text in ("0", "-1", "nan", "inf", "fast"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"above 0, found '{text}'"):
            positive(text)
