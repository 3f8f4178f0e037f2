from asl.commands import evaluation_arguments
from asl.splits import SPLITS


def test_what_is_copied_from_heavier_modules_is_the_same():
    assert evaluation_arguments.SPLITS == SPLITS
