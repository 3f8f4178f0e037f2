"""Where a file cannot grow, there is an error, and everything is as it was before.

`make torture` fills real disks, page by page.
"""

import os
from importlib.util import find_spec

import pytest
from full_disks import WRITERS, contents, lay_out

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="limits the size of files"),
    pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs"),
]


@pytest.fixture
def limit():
    """Limits the size of every file that this process writes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_grow_leaves_what_was_there(name, tmp_path, limit, capsys):
    writer = WRITERS[name]
    if find_spec(writer.needs) is None:
        pytest.skip(f"needs {writer.needs}")
    lay_out(tmp_path / "whole", writer.old)
    writer.write(tmp_path / "whole")
    assert writer.is_whole(tmp_path / "whole")
    largest = max(map(len, contents(tmp_path / "whole").values()))
    for size in (0, largest // 2, largest - 1):
        lay_out(tmp_path / "files", writer.old)
        limit(size)
        with pytest.raises(OSError):
            writer.write(tmp_path / "files")
        limit(-1)
        assert contents(tmp_path / "files") == writer.old
