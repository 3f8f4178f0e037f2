from dataclasses import asdict

import pytest
import torch
from torch.utils.data import Subset

from asl.recognizer import train, train_finder
from asl.recognizer.recipe import Recipe, recipe_for
from asl.recognizer.train import mix, train_recognizer

SHORT = {"image_size": 32, "epochs": 1, "finder_epochs": 1}

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_real_and_rendered_images_are_about_as_many(real):
    few, many = Subset(real, range(10)), real
    assert sorted(mix(few, None).indices) == list(range(10)) and mix(few, None).dataset is real
    mixed = mix(few, many)
    assert len(mixed.dataset) == 120 and len(mixed) == 120
    assert sum(i < 60 for i in mixed.indices) == 60 and set(mixed.indices) == {
        *range(10),
        *range(60, 120),
    }
    assert len(mix(many, many)) == 120
    other = Subset(mix(many, real).dataset, range(60, 70))
    assert mixed[119][1] == real[59][1] and len(mix(other, None)) == 10


def test_the_recipe_trains_both_networks_and_repeats_exactly(real, photographs):
    def run(rendered=real, architecture="mobile", **changes):
        recipe = recipe_for(architecture, **SHORT, **changes)
        part = Subset(real, range(40))
        return train_recognizer(part, rendered, photographs, recipe, device="cpu", progress=False)

    def numbers(recognizer):
        networks = (recognizer.finder, recognizer.classifier)
        return torch.cat([p.flatten() for network in networks for p in network.parameters()])

    first = run()
    assert first.image_size == 32 and not first.classifier.training
    assert numbers(first).equal(numbers(run())) and not numbers(first).equal(numbers(run(seed=1)))
    assert run(architecture="mlp").architecture == "mlp"
    assert run(rendered=None).image_size == 32
    for network in (first.finder, first.classifier):
        torch.manual_seed(0)
        assert all(p.isfinite().all() for p in network.parameters())


def test_every_choice_of_the_recipe_reaches_the_training(real, photographs, monkeypatch):
    recipe = Recipe(
        image_size=32,
        epochs=3,
        learning_rate=0.25,
        crops=(0.5, 2.0),
        shift=0.125,
        strength=0.375,
        finder_epochs=2,
        finder_learning_rate=0.75,
        finder_windows=(0.25, 4.0),
        finder_strength=0.625,
        finder_background_share=0.5,
        finder_empty_share=1.0,
        weight_decay=0.875,
        seed=7,
    )
    seen = {}

    def finder_epochs(finder, size, loss_of, epochs, results, **options):
        seen["finder"] = {"epochs": epochs, **options}
        loss_of(torch.arange(4))
        results["train_losses"].append(0.0)

    def scenes(images, generator, **options):
        seen["scenes"] = options
        return images, torch.ones(len(images), 3)

    def classifier(model, train_data, test_data, epochs, name, **options):
        seen["classifier"] = {"epochs": epochs, **options}

    monkeypatch.setattr(train_finder, "run_epochs", finder_epochs)
    monkeypatch.setattr(train_finder, "picture_hands", scenes)
    monkeypatch.setattr(train, "train_model", classifier)
    recognizer = train_recognizer(real, None, photographs, recipe, device="cpu", progress=False)
    assert recognizer.facts["recipe"] == asdict(recipe)
    finder = seen["finder"]
    assert (finder["epochs"], finder["lr"], finder["weight_decay"]) == (2, 0.75, 0.875)
    shown = seen["scenes"]
    assert (shown["strength"], shown["windows"]) == (0.625, (0.25, 4.0))
    assert shown["background_share"] == 0.5 and not shown["hands"].any()
    options = seen["classifier"]
    assert (options["epochs"], options["lr"], options["weight_decay"]) == (3, 0.25, 0.875)
    assert options["seed"] == 7
    changes = options["augment"].keywords
    assert (changes["strength"], changes["windows"]) == (0.375, (0.5, 2.0))
    assert changes["shift"] == 0.125 and changes["photographs"] is photographs


def test_images_of_another_size_than_the_recipes_are_refused(real, photographs):
    with pytest.raises(ValueError, match="of the recipe's 112 pixels, found 32"):
        train_recognizer(real, None, photographs)


def test_the_classifier_begins_with_pretrained_weights(real, photographs, monkeypatch):
    def load(model, wheel):
        begun.append(wheel)
        for parameter in model.parameters():
            torch.nn.init.zeros_(parameter).requires_grad_(False)
        model.classifier.bias.requires_grad_(True)

    begun = []
    monkeypatch.setattr(train, "load_landmark_weights", load)
    options = {"pretrained": "wheel", "device": "cpu", "progress": False}
    recognizer = train_recognizer(real, None, photographs, recipe_for(**SHORT), **options)
    assert begun == ["wheel"]
    learnt = {name for name, p in recognizer.classifier.named_parameters() if p.abs().sum() > 0}
    assert learnt == {"classifier.bias"}
    with pytest.raises(ValueError, match="architecture 'mobile', found 'resnet'"):
        train_recognizer(real, None, photographs, recipe_for("resnet"), pretrained="wheel")
