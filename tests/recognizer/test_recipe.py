import json
import math
from dataclasses import asdict

import pytest

from asl.recognizer.recipe import Recipe, recipe_for, saved_recipe


def test_a_network_that_begins_with_random_weights_is_trained_longer():
    assert recipe_for("mobile") == Recipe()
    resnet = recipe_for("resnet")
    assert resnet.architecture == "resnet"
    assert resnet.epochs > Recipe().epochs and resnet.learning_rate > Recipe().learning_rate
    assert recipe_for("resnet", epochs=1).epochs == 1


def test_a_recipe_is_read_back_from_the_weights_as_it_was():
    recipe = Recipe(crops=(0.5, 2.0), seed=3)
    facts = json.loads(json.dumps({"recipe": asdict(recipe)}))
    assert saved_recipe(facts) == recipe


def test_weights_of_before_there_were_recipes_have_the_present_one():
    assert saved_recipe({}) == Recipe()
    assert saved_recipe({"recipe": {"no_longer_chosen": 1}}) == Recipe()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ([], r"a recipe as a dict, found \[\]"),
        ({"rejected": "all"}, "rejected in the recipe such as 0.99, found 'all'"),
        ({"right": 1.01}, "right in the recipe such as 0.93, found 1.01"),
        ({"answered": math.nan}, "found nan"),
        ({"answered": True}, "found True"),
        ({"elsewhere_windows": 3}, r"elsewhere_windows in the recipe such as \(1, 4\), found 3"),
        ({"elsewhere_windows": [1, 2, 3]}, "such as"),
        ({"elsewhere_windows": [0, 2]}, "such as"),
        ({"elsewhere_windows": [1, "\x1b[2J"]}, r"found \[1, '.+x1b\[2J'\]"),
        ({"elsewhere_strength": 10**400}, "elsewhere_strength"),
        ({"seed": 0.5}, "seed"),
    ],
)
def test_a_recipe_that_nobody_can_have_chosen_is_refused(recipe, message):
    with pytest.raises(ValueError, match=message):
        saved_recipe({"recipe": recipe})
