import dataclasses

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import TensorDataset

from asl import (
    ASLDataset,
    ASLMobileNet,
    HandFinder,
    create_sequential_model,
    denormalize,
    normalize,
)
from asl.augmentation.photographs import AROUND, nothing_to_read
from asl.recognizer import train_reader as module
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_reader import HandPhotographs, cut_photographs, train_reader

SHORT = {"progress": False, "device": "cpu"}
RECIPE = Recipe(photograph_repeats=1, image_size=32, epochs=2, learning_rate=2e-3, seed=0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def shapes(count, side):
    """Returns a light bar, upright or lying, in the middle of each picture, and which it is."""
    labels = torch.arange(count) % 2
    pictures = torch.zeros(count, 3, side, side)
    thick, long = side // 10, side // 4
    middle = side // 2
    for picture, label in zip(pictures, labels, strict=True):
        rows, columns = (long, thick) if label == 0 else (thick, long)
        picture[:, middle - rows : middle + rows, middle - columns : middle + columns] = 210
    return pictures, 10 + labels


@pytest.fixture(scope="module")
def on_black():
    pictures, labels = shapes(32, 32)
    return TensorDataset(normalize(pictures), labels)


@pytest.fixture(scope="module")
def source():
    pictures, labels = shapes(20, 168)
    return HandPhotographs((40 + 0.8 * pictures).byte(), labels)


@pytest.fixture(scope="module")
def backgrounds():
    return torch.randint(0, 256, (3, 3, 40, 40), generator=generator()).byte()


def reader():
    torch.manual_seed(0)
    return create_sequential_model(image_size=32)


QUIET = dataclasses.replace(
    RECIPE, epochs=25, strength=0.1, photograph_tilt=5.0, photograph_shift=0.05, tilt=5.0
)


def test_a_reader_learns_from_hands_on_black_and_from_photographs(on_black, source, backgrounds):
    model, alone = reader(), reader()
    losses = train_reader(model, on_black, [source], backgrounds, QUIET, **SHORT)
    assert len(losses) == 25 and losses[-1] < 0.4 * losses[0] and not model.training
    train_reader(alone, on_black, [], backgrounds, QUIET, **SHORT)
    black, labels = on_black.tensors
    middles = normalize(source.images[:, :, 42:126, 42:126].float())
    photographs = F.interpolate(middles, (32, 32), mode="bilinear", antialias=True)
    with torch.inference_mode():
        assert (model(black).argmax(dim=1) == labels).float().mean() > 0.95
        assert (model(photographs).argmax(dim=1) == source.labels).float().mean() > 0.9
        assert (alone(black).argmax(dim=1) == labels).float().mean() > 0.95
        after, before = (F.nll_loss(m(photographs), source.labels) for m in (model, alone))
    assert after < before


def test_for_what_is_no_hand_all_signs_become_equally_probable(
    on_black, source, backgrounds, monkeypatch
):
    counts = []

    def counted(pictures, *others):
        counts.append(len(pictures))
        return nothing_to_read(pictures, *others)

    monkeypatch.setattr(module, "nothing_to_read", counted)
    hands = denormalize(on_black.tensors[0])
    nothing = normalize(255 * nothing_to_read(hands, generator(9), 0.1, backgrounds))
    surest = []
    for doubt in (0.0, 3.0):
        recipe = dataclasses.replace(QUIET, doubt=doubt)
        model = reader()
        train_reader(model, on_black, [source], backgrounds, recipe, **SHORT)
        with torch.inference_mode():
            surest.append(model(nothing).exp().amax(dim=1).mean().item())
    assert surest[1] < 0.5 * surest[0]
    assert set(counts) == {4, 3}  # one for eight hands: of 32, and of the last 20


def test_a_last_batch_of_any_size_is_trained_on(on_black, source, backgrounds):
    for count in (2, 7, 9):
        some = TensorDataset(*on_black[: 16 + count])
        once = dataclasses.replace(RECIPE, epochs=1)
        losses = train_reader(reader(), some, [], backgrounds, once, batch_size=16, **SHORT)
        assert losses[0] == pytest.approx(losses[0])  # a number


def test_photographs_alone_or_hands_on_black_alone_may_fill_a_batch(
    on_black, source, backgrounds, monkeypatch
):
    seen = []

    def epochs(model, size, loss_of, *others, **options):
        for indices in (torch.arange(4), torch.arange(32, 36), torch.tensor([0, 51])):
            seen.append(loss_of(indices).item())

    monkeypatch.setattr(module, "run_epochs", epochs)
    train_reader(reader(), on_black, [source], backgrounds, RECIPE, **SHORT)
    assert len(seen) == 3 and all(loss > 0 for loss in seen)


def test_every_choice_of_the_recipe_reaches_the_training(
    on_black, source, backgrounds, monkeypatch
):
    recipe = Recipe(
        image_size=32,
        epochs=3,
        learning_rate=0.25,
        smoothing=0.5,
        doubt=2.0,
        crops=(0.5, 2.0),
        shift=0.125,
        tilt=33.0,
        upright_share=0.25,
        strength=0.375,
        photograph_repeats=3,
        photograph_crops=(0.75, 1.25),
        photograph_shift=0.0625,
        photograph_tilt=11.0,
        weight_decay=0.875,
        seed=7,
    )
    seen = {}

    def epochs(model, size, loss_of, epochs, results, **options):
        seen["size"], seen["epochs"], seen["options"] = size, epochs, options
        seen["drawn"] = int(torch.randint(2**62, ()))
        seen["loss"] = loss_of(torch.tensor([0, 1, 50])).item()

    def on_black_changed(images, generator, **options):
        seen["black"] = options
        return images

    def cut_changed(photographs, generator, size, **options):
        seen["crops"] = options | {"size": size}
        return torch.zeros(len(photographs), 3, size, size)

    def nothing(pictures, generator, strength, backgrounds):
        seen["nothing"] = strength, backgrounds
        return pictures

    class Even(torch.nn.Module):
        """Finds "a", label 10, e times as probable as any other sign."""

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(36).index_fill(0, torch.tensor(10), 1.0))

        def forward(self, x):
            return self.weight.log_softmax(dim=0).expand(len(x), 36)

    for name, value in (
        ("run_epochs", epochs),
        ("augment", on_black_changed),
        ("crop_photographs", cut_changed),
        ("nothing_to_read", nothing),
    ):
        monkeypatch.setattr(module, name, value)
    train_reader(Even(), on_black, [source], backgrounds, recipe, **SHORT)
    assert (seen["size"], seen["epochs"]) == (32 + 3 * 20, 3)
    options = seen["options"]
    assert (options["lr"], options["weight_decay"]) == (0.25, 0.875)
    assert seen["black"] == {
        "strength": 0.375,
        "photographs": backgrounds,
        "windows": (0.5, 2.0),
        "shift": 0.125,
        "tilt": 33.0,
        "upright_share": 0.25,
    }
    assert seen["crops"] == {
        "size": 32,
        "strength": 0.375,
        "windows": (0.75, 1.25),
        "shift": 0.0625,
        "tilt": 11.0,
    }
    assert seen["nothing"] == (0.375, backgrounds)
    log_probs = Even()(torch.zeros(3)).detach()
    labels = torch.tensor([10, 11, 10])
    right = F.cross_entropy(log_probs, labels, label_smoothing=0.5)
    assert seen["loss"] == pytest.approx((right - 2 * log_probs.mean()).item(), rel=1e-5)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        torch.randint(2**62, ())  # what the generator of changes was seeded with
        assert seen["drawn"] == int(torch.randint(2**62, ()))


def test_a_training_repeats_exactly_and_goes_on_where_it_was_interrupted(
    on_black, source, backgrounds, tmp_path, monkeypatch
):
    def run(seed=0, sources=(source,), **options):
        recipe = dataclasses.replace(RECIPE, seed=seed)
        model = reader()
        losses = train_reader(model, on_black, sources, backgrounds, recipe, **SHORT, **options)
        return losses, torch.cat([p.flatten() for p in model.parameters()]).tolist()

    whole = run()
    assert whole == run() != run(seed=1) and run(sources=())[0] != whole[0]
    state, nothing, calls = torch.get_rng_state(), module.nothing_to_read, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:  # in the second epoch
            raise KeyboardInterrupt
        return nothing(*arguments)

    monkeypatch.setattr(module, "nothing_to_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=tmp_path / "kept")
    torch.manual_seed(99)  # whatever the new process has drawn
    assert run(checkpoint=tmp_path / "kept") == whole and len(calls) == 3 + 2
    with pytest.raises(ValueError, match="checkpoint of another training.*\n +photographs: "):
        run(sources=(), checkpoint=tmp_path / "kept")
    begun = reader()
    begun.load_state_dict({name: value + 1 for name, value in begun.state_dict().items()})
    with pytest.raises(ValueError, match="checkpoint of another training.*\n +first weights: "):
        train_reader(
            begun,
            on_black,
            (source,),
            backgrounds,
            RECIPE,
            **SHORT,
            checkpoint=tmp_path / "kept",
        )
    torch.set_rng_state(state)


def test_the_network_that_ships_is_trained_so(on_black, source, backgrounds):
    torch.manual_seed(0)
    model = ASLMobileNet(image_size=32)
    once = dataclasses.replace(RECIPE, epochs=1)
    (loss,) = train_reader(model, on_black, [source], backgrounds, once, **SHORT)
    assert 0 < loss < 20 and all(p.isfinite().all() for p in model.parameters())


# --- photographs ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Photographs of a red hand, right below the middle of a blue room, and of no hand."""
    for sign in "bx":
        (tmp_path / sign).mkdir()
        for i in range(9):
            room = Image.new("RGB", (200, 160), (0, 0, 90))
            room.paste((200, 0, 0), (140, 80, 180, 120))  # the square around (160, 100)
            room.save(tmp_path / sign / f"{i}.png")
    return tmp_path


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_hands_are_cut_out_with_their_surroundings_where_the_finder_finds_them(folder):
    finder = HandFinder(image_size=32).train()
    views = []

    def find(module, inputs, output):
        assert not module.training
        views.append(inputs[0])
        boxes = torch.tensor([0.6, 0.2, 0.2]).view(1, 3, 1, 1).expand(len(inputs[0]), 3, 4, 4)
        return boxes, torch.zeros(len(inputs[0]), 4, 4)

    finder.register_forward_hook(find)
    dataset = ASLDataset(folder, image_size=28, progress=False)
    found = cut_photographs(dataset, finder)
    assert found.images.dtype == torch.uint8 and len(found.images) == len(found.labels) == 18
    assert found.labels.tolist() == dataset.labels
    side = found.images.shape[-1]
    assert found.images.shape == (18, 3, side, side) and side >= 2 * 56
    # The hand fills the middle, and the photograph is as many hands wide as training crops need.
    red = found.images[:, 0].float().mean(dim=0) > 100
    rows, columns = (red.any(dim=d).nonzero().flatten() for d in (1, 0))
    for lines in (rows, columns):
        assert lines[0].item() == pytest.approx(side * (0.5 - 0.5 / AROUND), abs=1)
        assert lines[-1].item() == pytest.approx(side * (0.5 + 0.5 / AROUND), abs=1)
    # The finder saw the whole picture, of its own size and not the dataset's.
    view = denormalize(torch.cat(views))
    assert view.shape == (18, 3, 32, 32) and view[:, :, :2].max() < 0.01
    assert view[:, 2, 5:-5].amax(dim=(1, 2)).min() > 0.3
