import argparse

import pytest

from asl.commands.arguments import count


def test_a_count_is_a_number_of_at_least_one():
    assert count("12") == 12
    for text in ("0", "-1", "1.5", "many", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=f"at least 1, found '{text}'"):
            count(text)
