"""A training that is killed goes on to the same end. `make torture` kills many more."""

import os

import pytest
from interruptions import COMMAND, kill

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")


@pytest.mark.parametrize("where", ["at any moment", "inside a write"])
def test_a_killed_training_goes_on_to_the_same_end(where):
    found = kill(where, 0, 2)
    assert found["counts"]["went on to the same end"] == 2 and not found["faults"]
    # One that had none would only begin again, which proves nothing.
    assert found["counts"]["had a checkpoint"] == 2


def test_a_killed_command_writes_the_same_weights_in_the_end():
    pytest.importorskip("skimage", reason="needs the extra: pip install -e .[train]")
    found = kill(COMMAND, 0, 1)
    assert found["counts"]["went on to the same end"] == 1 and not found["faults"]
    assert found["counts"]["had a checkpoint"] == 1
