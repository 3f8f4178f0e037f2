import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

import asl
from asl.__main__ import _COMMANDS, _parser

NAMES = [command.name for command in _COMMANDS]


def parser_of(name):
    (commands,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert list(commands.choices) == NAMES
    return commands.choices[name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "--data", "nowhere"], "there is no such folder"),
        (["leakage", "--train", "nowhere"], "--train nowhere, --test None"),
        (["leakage", "--train", "a", "--test", "b"], "there is no such folder"),
        (["synthesize", "new", "--size", "5"], "a size from 16 to 2048 pixels, found 5"),
        (["notebook", "nowhere.ipynb"], "No such file or directory: 'nowhere.ipynb'"),
    ],
)
def test_bad_input_is_one_message_and_status_2(arguments, words, run):
    status, out, err = run(*arguments)
    assert status == 2 and out == ""
    assert err.startswith("error: ") and words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["evaluate", "--seeds", "0"], "a number of at least 1, found '0'"),
        (["audit", "--model", "x"], "invalid choice: 'x'"),
        (["synthesize", "new", "--signers", "0"], "a number of at least 1, found '0'"),
        (["synthesize", "new", "--signs", "ä"], "invalid choice: 'ä'"),
        (["synthesize", "new", "--signs", "a", "b", "a"], "--signs: expected each only once"),
    ],
)
def test_wrong_arguments(arguments, words, run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)
    err = capsys.readouterr().err
    assert err.startswith("usage: python -m asl") and words in err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "--output"],
        ["audit", "--output"],
        ["train", "--output"],
        ["calibrate", "weights", "--unseen", "others", "--output"],
        ["predict", "picture", "--gallery"],
        ["export"],
        ["compare", "folder", "--output"],
        ["notebook", "story.ipynb", "--output-dir"],
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(arguments, run, tmp_path):
    (tmp_path / "file").touch()
    status, out, err = run(*arguments, tmp_path / "file" / "x")
    assert status == 2 and out == "" and len(err.splitlines()) == 1
    assert err.startswith("error: cannot write ") and "is a file, not a folder" in err


def test_an_interruption_has_a_word_and_a_status_of_its_own(run, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("pkgutil.resolve_name", interrupted)
    assert run("leakage") == (130, "", "interrupted\n")


def test_the_version_is_that_of_the_package(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--version")
    assert capsys.readouterr().out == f"asl {asl.__version__}\n"


def test_help_lists_every_command_with_what_it_does(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--help")
    words = " ".join(capsys.readouterr().out.split())
    for command in _COMMANDS:
        assert f"{command.name} {command.text}" in words


@pytest.mark.parametrize("program", ["/somewhere/bin/asl", "/somewhere/asl/__main__.py"])
def test_usage_names_the_program_as_it_was_called(program, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program])
    called = "asl" if program.endswith("bin/asl") else "python -m asl"
    assert f"\nexample: {called} predict my_hand.jpg\n" in parser_of("predict").format_help()


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_does_and_its_default(name):
    """Switches are off unless given, and a required option has no default."""
    silent = [
        option.option_strings[0]
        for option in parser_of(name)._actions
        if option.option_strings and option.nargs != 0 and not option.required
        if not re.search(r"\w.* \(default: ", option.help or "")
    ]
    assert not silent


@pytest.mark.parametrize("name", NAMES)
def test_every_help_ends_with_an_example_that_can_be_given(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *_, before, example = parser_of(name).format_help().splitlines()
    words = example.removeprefix("example: python -m asl ").split()
    assert before == "" and words[0] == name
    (command,) = (command for command in _COMMANDS if command.name == name)
    assert _parser().parse_args(words).runner == command.runner


def test_help_and_wrong_arguments_import_nothing_heavy():
    """A command imports what runs it once its arguments are right."""
    code = f"""
import sys
from pathlib import Path
from asl.__main__ import main

for name in {NAMES}:
    for arguments in (["--help"], [name, "--help"], [name, "--typo"], [name + "x"]):
        try:
            main(arguments)
        except SystemExit:
            pass
        else:
            raise AssertionError(arguments)
assert main(["evaluate", "--output", "."]) == 2
print({{"torch", "numpy", "pandas", "PIL", "matplotlib", "nbformat"}} & {{*sys.modules}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nset()\n")


def test_running_a_command_imports_neither_pandas_nor_matplotlib():
    code = "import sys, asl.commands.evaluation, asl.commands.recognizer, asl.commands.rendering\n"
    code += "print({'pandas', 'matplotlib', 'seaborn', 'nbformat'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_everything_that_starts_torch_lets_it_wait_politely():
    root = Path(asl.__file__).parents[1]
    places = ("Makefile", "conftest.py", "asl/__main__.py", "asl_recognition.ipynb")
    numbers = {
        number
        for place in places
        for number in re.findall(r"GOMP_SPINCOUNT\W*(\d+)", (root / place).read_text("utf-8"))
    }
    assert len(numbers) == 1
    assert all("GOMP_SPINCOUNT" in (root / place).read_text("utf-8") for place in places)
