import json
from dataclasses import asdict

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
