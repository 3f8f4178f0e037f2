from dataclasses import asdict

import pytest
import torch
from torch.utils.data import Subset

from asl import HandFinder
from asl.recognizer import train, train_finder
from asl.recognizer.recipe import Recipe, recipe_for
from asl.recognizer.train import mix, pull_back, train_recognizer

SHORT = {"image_size": 32, "epochs": 1, "finder_epochs": 1}
QUIET = {"device": "cpu", "progress": False}

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


def numbers(*networks):
    return torch.cat([p.flatten() for network in networks for p in network.parameters()])


def test_the_recipe_trains_both_networks_and_repeats_exactly(real, photographs):
    def run(seed=0):
        recipe = recipe_for("mobile", **SHORT, seed=seed)
        part = Subset(real, range(4))
        made = train_recognizer(part, None, photographs, recipe, photographs=[real], **QUIET)
        assert made.image_size == 32
        assert not made.classifier.training and not made.finder.training
        return numbers(made.finder, made.classifier)

    first = run()
    assert first.isfinite().all() and first.equal(run()) and not first.equal(run(seed=1))


class Calls:
    """Stands for all trainings, and keeps what they were given."""

    def __init__(self, monkeypatch):
        self.finder, self.reader, self.joints = [], [], []
        self.black, self.photographs = [], []
        kinds = (("train_joint_reader", self.joints), ("load_joint_weights", []))
        for name, kept in (*kinds, ("joints_on_black", self.black)):
            monkeypatch.setattr(train, name, lambda *of, _kept=kept, **o: _kept.append((of, o)))
        monkeypatch.setattr(
            train, "joints_on_photographs", lambda *of, **o: self.photographs.append((of, o))
        )
        monkeypatch.setattr(train, "load_landmark_weights", lambda model, wheel: None)
        monkeypatch.setattr(train, "train_finder", lambda *of, **o: self.finder.append((of, o)))
        monkeypatch.setattr(train, "train_reader", lambda *of, **o: self.reader.append((of, o)))
        monkeypatch.setattr(train, "cut_photographs", lambda some, finder: (some, finder))


@pytest.fixture
def calls(monkeypatch):
    return Calls(monkeypatch)


def test_the_finder_learns_from_rendered_hands_the_classifier_from_all(
    real, photographs, calls, tmp_path
):
    recipe = recipe_for("resnet", **SHORT)
    part = Subset(real, range(20))
    made = train_recognizer(
        part, real, photographs, recipe, photographs=["a", "b"], checkpoint=tmp_path, **QUIET
    )
    ((finder, data, given), options) = calls.finder.pop()
    assert finder is made.finder and data is real and given is recipe
    assert options["backgrounds"] is photographs and "kept" not in options
    assert options["checkpoint"] == tmp_path / "finder.safetensors"
    ((reader, data, sources, backgrounds, given), options) = calls.reader.pop()
    assert reader is made.classifier and len(data) == 120 and backgrounds is photographs
    assert sources == [("a", made.finder), ("b", made.finder)] and given is recipe
    assert options["checkpoint"] == tmp_path / "classifier.safetensors"
    assert made.facts["recipe"] == asdict(recipe) and made.architecture == "resnet"
    # Without rendered hands, the finder learns from the real ones.
    train_recognizer(part, None, photographs, recipe, **QUIET)
    assert len(calls.finder[0][0][1]) == 20 == len(calls.reader[0][0][1])
    assert calls.reader[0][0][2] == [] and calls.finder[0][1]["checkpoint"] is None


def test_a_trained_finder_is_taken_as_it_is(real, photographs, calls):
    finder, recipe = HandFinder(), recipe_for(**SHORT)
    made = train_recognizer(real, None, photographs, recipe, finder=finder, **QUIET)
    assert calls.finder == [] and len(calls.reader) == 1
    assert made.finder is not finder and numbers(made.finder).equal(numbers(finder))


def test_with_mediapipes_weights_joints_are_read_too(real, photographs, calls, tmp_path):
    recipe = recipe_for("mobile", **SHORT)
    part, finder = Subset(real, range(20, 40)), HandFinder()
    options = {"finder": finder, "pretrained": "a wheel", "photographs": ["a", "b"], **QUIET}
    options["checkpoint"] = tmp_path
    made = train_recognizer(part, real, photographs, recipe, **options)
    ((reader, found, given), kept) = calls.joints.pop()
    assert reader is made.joint_reader and given is recipe
    (of_real, _), (of_rendered, _) = calls.black
    assert of_real[1] is made.classifier
    assert of_real[2] is part and of_real[3] == real.signers[20:40]
    assert of_rendered[2] is real and set(of_rendered[3]) == {None}  # all of them are one group
    groups = [of[3] for of, _ in calls.photographs]
    files = {o["checkpoint"] for _, o in [([], kept), *calls.black, *calls.photographs]}
    assert len(files) == 5 and {path.parent for path in files} == {tmp_path}
    assert len(found) == 4 and len({*groups, *real.signers}) == 2 + len({*real.signers})
    # Nothing tells joints where nothing is known of them, or where no classifier aims.
    for change in ({"pretrained": None}, {"finder_only": True}):
        assert (
            train_recognizer(part, real, photographs, recipe, **options | change).joint_reader
            is None
        )
    other = recipe_for("resnet", **SHORT)
    assert train_recognizer(part, real, photographs, other, **options).joint_reader is None


def test_a_finder_alone_can_be_trained(real, photographs, calls):
    recipe = recipe_for(**SHORT)
    made = train_recognizer(real, None, photographs, recipe, finder_only=True, **QUIET)
    assert len(calls.finder) == 1 and calls.reader == []
    assert made.facts["recipe"] == asdict(recipe)


def test_every_choice_of_the_recipe_reaches_the_finders_training(real, photographs, monkeypatch):
    recipe = Recipe(
        image_size=32,
        finder_epochs=2,
        finder_learning_rate=0.75,
        finder_windows=(0.25, 4.0),
        finder_tilt=77.0,
        finder_strength=0.625,
        finder_background_share=0.5,
        finder_empty_share=1.0,
        weight_decay=0.875,
        seed=7,
    )
    seen = {}

    def epochs(finder, size, loss_of, epochs, results, **options):
        seen["finder"] = {"epochs": epochs, **options}
        seen["drawn"] = torch.rand(())
        loss_of(torch.arange(4))

    def scenes(images, generator, **options):
        seen["scenes"] = options
        return images, torch.ones(len(images), 3)

    monkeypatch.setattr(train_finder, "run_epochs", epochs)
    monkeypatch.setattr(train_finder, "picture_hands", scenes)
    train_recognizer(real, None, photographs, recipe, finder_only=True, **QUIET)
    finder, shown = seen["finder"], seen["scenes"]
    assert (finder["epochs"], finder["lr"], finder["weight_decay"]) == (2, 0.75, 0.875)
    assert (shown["strength"], shown["windows"], shown["tilt"]) == (0.625, (0.25, 4.0), 77)
    assert shown["background_share"] == 0.5 and not shown["hands"].any()
    assert shown["photographs"] is photographs
    with torch.random.fork_rng():
        torch.manual_seed(7)
        torch.randint(2**62, ())  # what the generator of scenes was seeded with
        assert seen["drawn"] == torch.rand(())


def test_images_of_another_size_than_the_recipes_are_refused(real, photographs):
    with pytest.raises(ValueError, match="of the recipe's 112 pixels, found 32"):
        train_recognizer(real, None, photographs)


def test_networks_begin_with_pretrained_weights(real, photographs, calls, monkeypatch):
    begun = []
    for name in ("load_landmark_weights", "load_palm_weights"):
        monkeypatch.setattr(
            train, name, lambda network, wheel, name=name: begun.append((name, network, wheel))
        )
    options = {"pretrained": "wheel", **QUIET}
    made = train_recognizer(real, None, photographs, recipe_for(**SHORT), **options)
    assert begun == [
        ("load_landmark_weights", made.classifier, "wheel"),
        ("load_palm_weights", made.finder, "wheel"),
    ]
    # First all but the first layers are trained, then the last two alone.
    (_, first), (_, second) = calls.finder
    (kept,), (body,) = first["kept"], second["kept"]
    assert list(kept) == [made.finder.stem, made.finder.to_4]
    assert set(made.finder.children()) - set(body) == {made.finder.mix, made.finder.vote}
    # No other classifier is like MediaPipe's. A finder that is trained needs no first weights.
    begun.clear()
    made = train_recognizer(real, None, photographs, recipe_for("resnet", **SHORT), **options)
    assert begun == [("load_palm_weights", made.finder, "wheel")]
    begun.clear()
    train_recognizer(real, None, photographs, recipe_for(**SHORT), finder=HandFinder(), **options)
    assert [name for name, *_ in begun] == ["load_landmark_weights"]


def test_a_trained_finder_is_pulled_back_to_its_first_weights(
    real, photographs, calls, monkeypatch
):
    def move(finder, *arguments, **options):
        if len(moved) == 0:
            begun.extend(p.detach().clone() for p in finder.body().parameters())
            with torch.no_grad():
                for parameter in finder.parameters():
                    parameter.add_(1)
        moved.append([p.detach().clone() for p in finder.parameters()])

    begun, moved = [], []
    monkeypatch.setattr(train, "load_palm_weights", lambda finder, wheel: None)
    monkeypatch.setattr(train, "load_landmark_weights", lambda network, wheel: None)
    monkeypatch.setattr(train, "train_finder", move)
    recipe = recipe_for(finder_pull=0.75, **SHORT)
    made = train_recognizer(real, None, photographs, recipe, pretrained="wheel", **QUIET)
    for before, after in zip(begun, made.finder.body().parameters(), strict=True):
        torch.testing.assert_close(after, before + 0.25)
    assert len(moved) == 2


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_weights_are_pulled_back_on_the_device_where_they_are(device):
    """On the device "meta", as on a GPU, tensors do not mix with those of a CPU."""
    network = torch.nn.Linear(2, 1, device=device)
    first = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    before = network.weight.detach().clone()
    pull_back(network, first, 0.75)
    assert network.weight.device.type == device
    if device == "cpu":
        torch.testing.assert_close(network.weight.detach(), before / 4)


def test_a_wheel_of_another_version_stops_the_training(real, photographs, calls, tmp_path):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    (tmp_path / "wheel").write_bytes(b"no wheel")
    for architecture in ("mobile", "resnet"):
        recipe = recipe_for(architecture, **SHORT)
        with pytest.raises(ValueError, match="expected a wheel of mediapipe 0.10.21, found"):
            train_recognizer(
                real, None, photographs, recipe, pretrained=tmp_path / "wheel", **QUIET
            )
    assert calls.finder == calls.reader == []
