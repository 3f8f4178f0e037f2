import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps

from asl import ANSWERS, Recognizer, denormalize, unpack_stand_in
from asl.recognizer import looking
from asl.recognizer.networks import ARCHITECTURES
from asl.recognizer.photograph_sources import SOURCES
from asl.recognizer.recognizer import SHIPPED_WEIGHTS
from asl.signs import SIGNS
from asl.tensor_files import RECOGNIZER, read_tensors, write_tensors


@pytest.fixture
def recognizer(make_recognizer):
    """Untrained, but for one thing: it takes red for "a", green for "o", and black for no hand."""
    recognizer = make_recognizer(view=64)
    recognizer.finder.register_forward_hook(_find_what_is_light)
    recognizer.classifier.register_forward_hook(_tell_by_colour)
    return recognizer


def _find_what_is_light(finder, inputs, _):
    light = denormalize(inputs[0]).amax(dim=1) > 0.3
    boxes = torch.tensor([0.0, 0.0, 1.0]).repeat(len(light), 1)
    for box, shown in zip(boxes, light, strict=True):
        if shown.any():
            rows, columns = shown.nonzero().T
            middle = torch.stack([columns, rows]).float().mean(dim=1)
            box[:2] = (middle + 0.5) * 2 / len(shown) - 1
            box[2] = shown.sum().sqrt() / len(shown)
    cells = torch.full((len(light), 8, 8), -20.0)
    cells[:, 3, 5] = 20 * light.flatten(1).any(dim=1).float() - 10
    return boxes[:, :, None, None].expand(-1, -1, 8, 8), cells


def _tell_by_colour(classifier, inputs, _):
    red, green, _ = denormalize(inputs[0]).flatten(2).mean(dim=2).T
    logits = torch.zeros(len(red), 36)
    logits[:, SIGNS.index("a")] = 20 * red
    logits[:, SIGNS.index("o")] = 20 * green
    return logits.log_softmax(dim=1)


RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_answers_are_ranked_probabilities(recognizer):
    answers = recognizer(Image.new("RGB", (50, 50), RED), top=32)
    assert answers[0][0] == "a" and answers[0][1] > 0.9
    probabilities = [p for _, p in answers]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-3)
    assert {sign for sign, _ in answers} == set(ANSWERS)
    assert len(recognizer(Image.new("RGB", (50, 50), RED))) == 3


def test_look_alikes_are_one_answer(recognizer):
    assert recognizer(Image.new("RGB", (50, 50), GREEN), top=1)[0][0] == "0 or o"
    # Of a and f, where f might be 9 as well: a alone is surer than f, but not than both.
    logits = torch.full((2, 36), -20.0)
    for sign, share in (("a", 0.4), ("f", 0.3), ("9", 0.3)):
        logits[:, SIGNS.index(sign)] = torch.tensor(share).log()
    recognizer.classifier.register_forward_hook(lambda *_: logits)
    answer, share = recognizer(Image.new("RGB", (50, 50), GREEN), top=1)[0]
    assert answer == "9 or f" and share == pytest.approx(0.6, abs=1e-3)


def test_no_hand_is_no_confident_sign(recognizer):
    recognizer.threshold = 0.5
    (first, p), (second, q), *_ = recognizer(Image.new("RGB", (50, 50)))
    assert first is None and second is not None
    assert p > 0.99 and p + q == pytest.approx(1)
    assert recognizer(Image.new("RGB", (50, 50)), top=1)[0][0] is None
    assert recognizer(Image.new("RGB", (50, 50), RED), top=1)[0][0] == "a"


def test_either_hand_is_read(make_recognizer):
    """Of its two crops, a recogniser is shown one as it is and the wider one mirrored."""
    recognizer = make_recognizer(view=64)
    recognizer.finder.register_forward_hook(_find_what_is_light)
    shown = []
    recognizer.classifier.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0]))
    picture = np.random.default_rng(0).integers(80, 255, (60, 60, 3), np.uint8)
    recognizer(picture)
    recognizer(np.ascontiguousarray(picture[:, ::-1]))
    (near, wide), (near_left, wide_left) = shown
    torch.testing.assert_close(near, near_left.flip(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(wide, wide_left.flip(2), atol=1e-3, rtol=0)
    assert not torch.allclose(near, wide.flip(2), atol=0.1)  # it shows more


def test_temperature_changes_confidence_only(recognizer):
    picture = Image.new("RGB", (50, 50), RED)
    (sign, sure), *_ = recognizer(picture)
    recognizer.temperature = 5.0
    (same, unsure), *_ = recognizer(picture)
    assert sign == same == "a" and unsure < sure


def test_any_kind_of_picture(recognizer, tmp_path):
    image = Image.new("RGB", (40, 60), RED)
    for name in ("picture.png", "picture.jpg", "picture.gif", "picture.webp"):
        image.save(tmp_path / name)
    array = np.asarray(image)
    pictures = [
        *(path for path in tmp_path.iterdir()),
        str(tmp_path / "picture.png"),
        image,
        image.convert("P"),
        image.convert("CMYK"),
        image.convert("RGBA"),
        array,
        np.dstack([array, np.full(array.shape[:2], 255, np.uint8)]),
        array / 255,
        torch.from_numpy(array.copy()).permute(2, 0, 1),
        torch.from_numpy(array / 255).permute(2, 0, 1).float(),
    ]
    answers = recognizer(pictures, top=1)
    assert [ranked[0][0] for ranked in answers] == ["a"] * len(pictures)
    grey = np.full((40, 60), 255, np.uint8)
    assert len(recognizer([grey, torch.ones(1, 40, 60), Image.fromarray(grey)])) == 3
    assert recognizer([]) == []


def test_a_list_gives_what_its_pictures_give_alone(recognizer):
    pictures = [Image.new("RGB", (30 + i, 50), (RED, GREEN, (0, 0, 0))[i % 3]) for i in range(70)]
    together = recognizer(pictures)
    for i in (0, 1, 2, 64, 69):
        alone = recognizer(pictures[i])
        assert [sign for sign, _ in together[i]][:1] == [sign for sign, _ in alone][:1]
        assert together[i][0][1] == pytest.approx(alone[0][1], abs=1e-4)


def test_camera_rotation_is_applied(recognizer, tmp_path):
    image = Image.new("RGB", (100, 50))
    image.paste(RED, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was held upside down
    image.save(tmp_path / "turned.jpg", exif=exif)
    sight = recognizer.look([tmp_path / "turned.jpg"])[0]
    assert sight.box[0] > 0.6 and sight.box[1] > 0.2
    assert sight.frame.getpixel((95, 45))[0] > 200
    upright = recognizer.look([image])[0]
    assert upright.box[0] < -0.6 and upright.box[1] < -0.2


def test_a_sight_shows_the_crop_round_the_hand(recognizer):
    image = Image.new("RGB", (200, 100))
    image.paste(RED, (140, 30, 180, 70))
    sight = recognizer.look([image])[0]
    assert sight.box == pytest.approx((0.6, 0, 0.2), abs=0.05)
    assert sight.crop.size == (32, 32) and sight.frame.size == (200, 100)
    assert np.asarray(sight.crop)[..., 0].mean() > 0.5 * 255
    assert sight.answers[0][0] == "a" and sight.hand > 0.99 and sight.hands == 1
    assert sight.log_probs.shape == (36,) and sight.log_probs.argmax() == SIGNS.index("a")


def test_a_sight_says_how_many_hands_were_seen_and_shows_the_surer(recognizer):
    boxes, cells = torch.zeros(1, 3, 8, 8), torch.full((1, 8, 8), -9.0)
    boxes[0, :, 4, 1], boxes[0, :, 4, 6] = torch.tensor([[-0.5, 0, 0.3], [0.5, 0, 0.3]])
    cells[0, 4, 1], cells[0, 4, 6] = 2.0, 3.0
    recognizer.finder.register_forward_hook(lambda *_: (boxes, cells))
    two = Image.new("RGB", (80, 80), GREEN)
    two.paste(RED, (40, 0, 80, 80))
    (sight,) = recognizer.look([two])
    assert sight.hands == 2 and sight.box == pytest.approx((0.5, 0, 0.3))
    assert sight.hand == pytest.approx(torch.tensor(3.0).sigmoid().item())
    assert sight.answers[0][0] == "a" and recognizer(two)[0] == sight.answers[0]
    cells[0, 4, 6] = 1.0
    (sight,) = recognizer.look([two])
    assert sight.hands == 2 and sight.box[0] < 0 and sight.answers[0][0] == "0 or o"
    cells[:] = -1.0
    assert recognizer.look([two])[0].hands == 0


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (1, 400)),
        Image.new("RGBA", (50, 50), (255, 0, 0, 0)),
        Image.new("RGB", (1, 1)),
        Image.new("L", (300, 2)),
    ],
    ids=["one pixel wide", "transparent", "one pixel", "a strip"],
)
def test_strange_pictures_are_answered(recognizer, picture):
    recognizer.threshold = 0.5
    assert recognizer(picture)[0][0] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot read"), (b"not an image", "cannot read"), (None, "cannot read")],
)
def test_what_is_no_image_is_named(recognizer, tmp_path, content, message):
    path = tmp_path / "hand.jpg"
    if content is None:  # truncated
        noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        content = path.read_bytes()[:3000]
    path.write_bytes(content)
    with pytest.raises(OSError, match=f"{message} .*hand.jpg' as an image"):
        recognizer(path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_enormous_pictures_are_refused(recognizer, tmp_path):
    Image.new("1", (20_000, 5_000)).save(tmp_path / "large.png")
    with pytest.raises(OSError, match="20000x5000 pixels, more than"):
        recognizer(tmp_path / "large.png")


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((3, 40, 40), np.uint8), r"found \(3, 40, 40\)"),
        (np.zeros((0, 4), np.uint8), "at least one pixel"),
        (np.zeros((4, 4), np.int64), "found int64"),
        (np.full((4, 4), 2.0), "floats from 0 to 1, found 2 to 2"),
        (np.full((4, 4), np.nan), "found nan"),
        (torch.zeros(2, 3, 8, 8), r"\(3, H, W\).*found \(2, 3, 8, 8\)"),
        (torch.randn(3, 8, 8), "asl.denormalize"),
        (7, "expected a path, a PIL image, an array or a tensor, found int"),
    ],
)
def test_wrong_pictures_are_named(recognizer, picture, message):
    with pytest.raises(ValueError, match=message):
        recognizer(picture)


@pytest.mark.parametrize("top", [0, 33])
def test_wrong_top(recognizer, top):
    with pytest.raises(ValueError, match=f"from 1 to 32, found {top}"):
        recognizer(Image.new("RGB", (50, 50)), top=top)


def test_a_missing_file_is_a_missing_file(recognizer):
    with pytest.raises(FileNotFoundError):
        recognizer("nowhere.jpg")


def test_saved_and_loaded_it_answers_the_same(tmp_path):
    torch.manual_seed(0)
    made = Recognizer.create("cnn", image_size=32)
    made.temperature, made.threshold, made.facts = 1.7, 0.02, {"images": 3}
    made.save(tmp_path / "w")
    tensors, facts = read_tensors(tmp_path / "w", format=RECOGNIZER)
    assert facts["classes"] == list(SIGNS) and facts["image_size"] == 32
    assert facts["mean"] == [0.485, 0.456, 0.406] and facts["std"] == [0.229, 0.224, 0.225]
    assert tensors["classifier.classifier.0.weight"].dtype == torch.float16
    assert tensors["classifier.shared.2.running_var"].dtype == torch.float32
    loaded = Recognizer.load(tmp_path / "w")
    # As pairs without an order: an untrained network finds most signs equally probable.
    picture = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    before, after = dict(made(picture, 32)), dict(loaded(picture, 32))
    assert {sign: pytest.approx(p, abs=1e-3) for sign, p in before.items()} == after
    assert (loaded.temperature, loaded.threshold, loaded.facts) == (1.7, 0.02, {"images": 3})
    assert not loaded.classifier.training and loaded.architecture == "cnn"


@pytest.fixture
def with_joints(make_recognizer):
    """A recogniser with a reader of joints that has an opinion."""
    made = make_recognizer(joint_reader=True)
    reader = made.joint_reader
    torch.nn.init.zeros_(reader.joints.last["present"].weight)
    reader.joints.last["present"].bias.data.fill_(9)
    reader.read[-1].bias.data[5] = 20
    return made


def test_a_reader_of_joints_has_a_say_and_is_saved_with_the_rest(
    with_joints, tmp_path, monkeypatch
):
    pictures = [np.random.default_rng(i).integers(0, 256, (40, 60, 3), np.uint8) for i in (1, 2)]
    both, _ = with_joints.raw_answers(pictures)
    with torch.inference_mode():
        graph = with_joints.graph().eval()(torch.from_numpy(pictures[1]))
    torch.testing.assert_close(graph.log_probs, both[1], atol=1e-3, rtol=1e-3)
    with_joints.save(tmp_path / "w")
    loaded = Recognizer.load(tmp_path / "w")
    kept = with_joints.joint_reader.state_dict()
    for name, value in loaded.joint_reader.state_dict().items():  # in eight bits, some of them
        largest = kept[name].abs().max().item()
        torch.testing.assert_close(value, kept[name], atol=0.5 / 127 * largest, rtol=1e-3)
    reader, with_joints.joint_reader = with_joints.joint_reader, None
    alone, _ = with_joints.raw_answers(pictures)
    assert (both - alone)[:, 5].min() > 1  # the sign that the joints are read as
    reader.trust.zero_()
    with_joints.joint_reader = reader
    monkeypatch.setattr(looking, "_SURE", -math.inf)  # or the classifier reads where joints are
    torch.testing.assert_close(with_joints.raw_answers(pictures)[0], alone)


def test_a_reader_of_joints_goes_with_a_mobile_network_only(with_joints, tmp_path):
    with pytest.raises(ValueError, match='"mobile" with a reader of joints, found .resnet'):
        Recognizer.create("resnet", image_size=32, joint_reader=True)
    with_joints.save(tmp_path / "w")
    tensors, facts = read_tensors(tmp_path / "w", format=RECOGNIZER)
    for wrong in (1, "yes", None):
        write_tensors(tmp_path / "v", tensors, facts | {"joint_reader": wrong}, format=RECOGNIZER)
        with pytest.raises(ValueError, match="expected joint_reader true or false"):
            Recognizer.load(tmp_path / "v")
    write_tensors(tmp_path / "v", tensors, facts | {"joint_reader": False}, format=RECOGNIZER)
    with pytest.raises(ValueError, match="expected .* tensors, found 'joint_reader"):
        Recognizer.load(tmp_path / "v")


def test_weights_of_another_architecture_are_refused(tmp_path):
    Recognizer.create("resnet", image_size=32).save(tmp_path / "w")
    tensors, facts = read_tensors(tmp_path / "w", format=RECOGNIZER)
    for change, message in (
        ({"architecture": "cnn"}, "holds no recogniser of this version: expected a tensor"),
        ({"architecture": "vit"}, "expected an architecture of mlp, cnn.*found 'vit'"),
        ({"image_size": 48}, r"classifier.classifier.weight of shape \(36, 1152\), found"),
        ({"temperature": "warm"}, "temperature as a number, found 'warm'"),
        ({"classes": list("abc")}, r"expected classes \['0', '1', .*found \['a', 'b', 'c'\]"),
        ({"std": [1.0, 1.0, 1.0]}, r"expected std \[0.229.*found \[1.0, 1.0, 1.0\]"),
    ):
        write_tensors(tmp_path / "v", tensors, facts | change, format=RECOGNIZER)
        with pytest.raises(ValueError, match=message):
            Recognizer.load(tmp_path / "v")
    del facts["threshold"]
    write_tensors(tmp_path / "v", tensors, facts, format=RECOGNIZER)
    with pytest.raises(ValueError, match="threshold"):
        Recognizer.load(tmp_path / "v")


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.0), ("threshold", 1.5)])
def test_what_could_not_be_loaded_is_not_saved(name, value, recognizer, tmp_path):
    setattr(recognizer, name, value)
    with pytest.raises(ValueError, match=f"expected {name} from .*, found {value}"):
        recognizer.save(tmp_path / "w")
    setattr(recognizer, name, 1.0)
    next(recognizer.classifier.parameters()).data[0] = torch.nan
    with pytest.raises(ValueError, match="found nan or infinity in classifier.stem.0.weight"):
        recognizer.save(tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("network", ["finder", "classifier"])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_what_is_no_number_is_no_letter(network, threshold, recognizer):
    nan = torch.nan
    answer = torch.full((2, 36), nan)
    if network == "finder":
        answer = (torch.full((1, 3, 8, 8), nan), torch.full((1, 8, 8), nan))
    recognizer.threshold = threshold
    hook = getattr(recognizer, network).register_forward_hook(lambda *_: answer)
    picture = Image.new("RGB", (50, 50), RED)
    assert recognizer(picture) == [(None, 1.0)]
    (sight,) = recognizer.look([picture])
    assert sight.answers == [(None, 1.0)] and sight.crop.size == (32, 32)
    hook.remove()
    assert recognizer(picture)[0][0] == "a"


def test_frames_are_kept_as_small_as_they_are_shown(recognizer):
    wide, strip = Image.new("RGB", (3000, 1500), RED), Image.new("RGB", (1, 20_000))
    sights = recognizer.look([wide, strip])
    assert [sight.frame.size for sight in sights] == [(1000, 500), (1, 1000)]
    assert recognizer(wide)[0][0] == "a" and wide.size == (3000, 1500)
    assert recognizer.look([wide.resize((1024, 9))])[0].frame.size == (1024, 9)


# --- the weights that ship -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return Recognizer.load()


def test_the_shipped_weights_say_how_they_were_made(shipped):
    facts = shipped.facts
    assert facts["left_out"] == [] and facts["rendered"] > 0 and "asl train" in facts["command"]
    assert 0 < facts["threshold"] == shipped.threshold < 1
    assert facts["answered"] >= 0.8 and facts["rejected"] >= 0.99
    assert facts["right elsewhere"] >= 0.93 and set(facts["photographs"]) == set(SOURCES)
    assert SHIPPED_WEIGHTS.stat().st_size < 8e6


@pytest.mark.parametrize("mirrored", [False, True], ids=["right", "left"])
def test_the_shipped_weights_read_people_they_were_not_trained_on(shipped, mirrored):
    folder = unpack_stand_in()  # five rendered people, none of those in training
    files = [next((folder / sign).glob("hand2_*_dif_seg_1_*")) for sign in SIGNS]
    pictures = [Image.open(file) for file in files]
    if mirrored:
        pictures = [ImageOps.mirror(picture) for picture in pictures]
    answers = shipped(pictures, top=1)
    right = [
        sign in (ranked[0][0] or "").split(" or ")
        for sign, ranked in zip(SIGNS, answers, strict=True)
    ]
    assert sum(right) >= 0.8 * len(SIGNS)


def test_the_shipped_weights_know_what_is_no_hand(shipped):
    text = Image.new("RGB", (640, 480), "white")
    for line in range(20):
        ImageDraw.Draw(text).text((20, 20 * line + 20), "no hand here, " * 6, fill="black")
    noise = np.random.default_rng(0).normal(128, 80, (300, 300)).clip(0, 255).astype(np.uint8)
    blank = [Image.new("RGB", (400, 300), colour) for colour in ("black", "white", "grey")]
    answers = shipped([text, noise, *blank, Image.new("RGBA", (90, 90))], top=1)
    assert [ranked[0][0] for ranked in answers] == [None] * 6


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_loading_draws_nothing_and_takes_every_weight_from_the_file(architecture, tmp_path):
    torch.manual_seed(0)
    whole = Recognizer.create(architecture, 32)
    whole.save(tmp_path / "weights")
    state = torch.get_rng_state()
    loaded = Recognizer.load(tmp_path / "weights")
    assert torch.get_rng_state().equal(state)
    for ours, theirs in ((loaded.finder, whole.finder), (loaded.classifier, whole.classifier)):
        found, expected = dict(ours.named_buffers()), dict(theirs.named_buffers())
        found |= dict(ours.named_parameters())
        expected |= {name: p.half().float() for name, p in theirs.named_parameters()}
        assert found.keys() == expected.keys()
        assert all(found[name].equal(expected[name]) for name in found)
