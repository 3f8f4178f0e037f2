import pytest

from asl.__main__ import _parser
from asl.commands import recognizer_arguments
from asl.recognizer.export import FORMATS
from asl.recognizer.networks import ARCHITECTURES
from asl.recognizer.recipe import Recipe, recipe_for


def test_what_is_copied_from_heavier_modules_is_the_same():
    assert tuple(ARCHITECTURES) == recognizer_arguments.ARCHITECTURES
    assert recognizer_arguments.FORMATS == FORMATS


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_epochs_that_help_names_are_the_recipes(architecture):
    kind = "mobile" if architecture == "mobile" else "cnn"
    assert recognizer_arguments.EPOCHS[kind] == recipe_for(architecture).epochs


def test_defaults_of_train_are_the_recipes(tmp_path):
    given = _parser().parse_args(["train", "--output", str(tmp_path / "weights")])
    usual = Recipe()
    assert given.model == usual.architecture
    for name in ("image_size", "finder_epochs", "seed"):
        assert getattr(given, name) == getattr(usual, name)
