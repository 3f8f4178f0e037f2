import pytest


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
