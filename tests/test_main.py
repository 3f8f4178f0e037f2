import argparse
import subprocess
import sys

import pytest

import asl
from asl.__main__ import _COMMANDS, _parser


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "--data", "nowhere"], "there is no such folder"),
        (["leakage", "--train", "nowhere"], "--train nowhere, --test None"),
        (["leakage", "--train", "a", "--test", "b"], "there is no such folder"),
        (["synthesize", "new", "--signers", "0"], "at least 1 of signers, found 0"),
        (["synthesize", "new", "--signs", "ä"], "found 'ä'"),
    ],
)
def test_bad_input_is_one_message_and_status_2(arguments, words, run):
    status, out, err = run(*arguments)
    assert status == 2 and out == ""
    assert err.startswith("error: ") and words in err


@pytest.mark.parametrize("arguments", [["evaluate", "--seeds", "0"], ["audit", "--model", "x"], []])
def test_wrong_arguments(arguments, run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)
    assert "usage: python -m asl" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--version")
    assert capsys.readouterr().out == f"asl {asl.__version__}\n"


def test_help_lists_every_command_with_what_it_does(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--help")
    words = " ".join(capsys.readouterr().out.split())
    for name, _, _, text in _COMMANDS:
        assert f"{name} {text}" in words


def test_every_option_says_what_it_does_and_its_default():
    """Switches are off unless given, and a required option has no default."""
    (commands,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert list(commands.choices) == [name for name, *_ in _COMMANDS]
    silent = [
        f"{name} {option.option_strings[0]}"
        for name, command in commands.choices.items()
        for option in command._actions
        if option.option_strings and option.nargs != 0 and not option.required
        if "(default: " not in (option.help or "")
    ]
    # Draws nothing unless given, as its help says.
    assert silent == ["predict --gallery"]


def test_the_command_line_imports_neither_pandas_nor_matplotlib():
    code = "import sys, asl.__main__; print({'pandas', 'matplotlib', 'seaborn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
