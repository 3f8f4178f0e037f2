import pytest

from asl.__main__ import _parser


def test_the_defaults():
    given = _parser().parse_args(["camera"])
    assert (given.port, given.weights, given.no_open) == (0, None, False)


@pytest.mark.parametrize("port", ["-1", "65536", "x", "1.5"])
def test_a_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        _parser().parse_args(["camera", f"--port={port}"])
    assert "a port from 0 to 65535" in capsys.readouterr().err
