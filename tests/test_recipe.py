import pytest
import torch
from torch.utils.data import Subset

from asl import ASLDataset, Recognizer, recipe
from asl.recipe import answer_unseen, calibrate, load_photographs, mix, train_recognizer

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture
def real(people):
    """Sixty images of three signers and two signs."""
    return ASLDataset(people, image_size=32, progress=False)


@pytest.fixture
def photographs():
    return torch.randint(0, 256, (3, 3, 40, 40), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture
def unseen():
    """Untrained recognisers that claim not to have seen one signer each."""
    made = []
    for signer in (1, 2, 3):
        torch.manual_seed(signer)
        recognizer = Recognizer.create(image_size=32)
        recognizer.facts = {"left_out": [signer]}
        made.append(recognizer)
    return made


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
    def run(rendered=real, **options):
        return train_recognizer(
            Subset(real, range(40)),
            rendered,
            photographs,
            epochs=1,
            finder_epochs=1,
            device="cpu",
            progress=False,
            **options,
        )

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


def test_the_classifier_begins_with_pretrained_weights(real, photographs, monkeypatch):
    def load(model, wheel):
        begun.append(wheel)
        for parameter in model.parameters():
            torch.nn.init.zeros_(parameter).requires_grad_(False)
        model.classifier.bias.requires_grad_(True)

    begun = []
    monkeypatch.setattr(recipe, "load_landmark_weights", load)
    options = {"epochs": 1, "finder_epochs": 1, "device": "cpu", "progress": False}
    recognizer = train_recognizer(real, None, photographs, pretrained="wheel", **options)
    assert begun == ["wheel"]
    learnt = {name for name, p in recognizer.classifier.named_parameters() if p.abs().sum() > 0}
    assert learnt == {"classifier.bias"}
    with pytest.raises(ValueError, match="architecture 'mobile', found 'resnet'"):
        train_recognizer(real, None, photographs, architecture="resnet", pretrained="wheel")


def test_each_signer_is_answered_by_who_has_not_seen_them(real, unseen, photographs):
    answers = answer_unseen(unseen, real)
    assert sorted(answers.indices) == list(range(60))
    assert answers.log_probs.shape == (60, 36) and answers.evidence.shape == (60,)
    for i in (0, 25, 59):
        index = answers.indices[i]
        (own,) = (r for r in unseen if r.facts["left_out"] == [real.signers[index]])
        expected = own.raw_answers([real.image_files[index]])[0][0]
        torch.testing.assert_close(answers.log_probs[i], expected)
    scores = answers.scores(real)
    assert scores["images"] == 60 and set(scores["shapes_33"]["per_signer"]) == {"1", "2", "3"}
    assert sorted(answer_unseen(unseen[1:], real).indices) == [
        i for i, s in enumerate(real.signers) if s != 1
    ]
    elsewhere = answer_unseen(unseen, real, photographs)
    assert elsewhere.indices == answers.indices
    assert not torch.allclose(elsewhere.log_probs, answers.log_probs)
    torch.testing.assert_close(
        elsewhere.log_probs, answer_unseen(unseen, real, photographs).log_probs
    )


def test_who_has_seen_everybody_cannot_answer(real, unseen):
    for wrong in ([], [Recognizer.create(image_size=32)], [unseen[0], unseen[0]]):
        with pytest.raises(ValueError, match="trained without different signers, found signers"):
            answer_unseen(wrong, real)


def test_calibration_keeps_the_answers_promised(real, unseen, photographs, monkeypatch):
    dark = torch.randint(0, 90, (200, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(recipe, "pictures_without_hands", lambda p: list(dark.byte()))
    recognizer = Recognizer.create(image_size=32)
    found = calibrate(recognizer, unseen, real, photographs)
    assert found["answered"] >= 0.95 and 0 <= found["rejected"] <= 1
    assert recognizer.threshold == found["threshold"] > 0
    assert recognizer.temperature == found["temperature"] != 1
    # Where hands are surely told from nothing, the threshold lies between.
    for other in unseen:
        other.finder.register_forward_hook(
            lambda _, inputs, output: (output[0], 20 * (inputs[0].amax(dim=(1, 2, 3)) > 0) - 10.0)
        )
    found = calibrate(recognizer, unseen, real, photographs)
    assert found["answered"] == 1 and found["rejected"] >= 0.98


def test_pictures_without_hands_are_the_same_every_time(photographs):
    pictures = recipe.pictures_without_hands(photographs, count=4)
    assert [tuple(p.shape) for p in pictures] == [(3, 128, 128)] * 4
    assert all(p.dtype == torch.uint8 for p in pictures)
    again = recipe.pictures_without_hands(photographs, count=4)
    assert all(a.equal(b) for a, b in zip(pictures, again, strict=True))


def test_no_photograph_is_in_two_parts():
    pytest.importorskip("skimage", reason="needs the extra 'train'")
    parts = [load_photographs(part, 20) for part in ("train", "val", "test")]
    assert [len(part) for part in parts] == [14, 3, 3] and parts[0].shape[1:] == (3, 20, 20)
    assert len(torch.cat(parts).flatten(1).unique(dim=0)) == 20


def test_photographs_missing(monkeypatch):
    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install -e .\[train\]"):
        load_photographs("train")
