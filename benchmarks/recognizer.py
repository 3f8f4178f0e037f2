"""Measures the recogniser: people and cameras it has not seen, left hands, skin, no hand, speed.

    python benchmarks/recognizer.py --unseen build/recognizers/without-*.safetensors \\
        --sources ../shared/strangers --photos ../shared/photos --output results/recognizer.json

Each signer's images and each source's photographs are read, from their files, by the recogniser
that was trained without that signer or source (`--unseen`), with the temperature and the threshold
of the weights that ship. Without that option, the output file keeps those figures. Everything else
is read by the weights that ship with the project. The photos serve this report only.
"""

import argparse
import json
import os
import platform
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from recognising import speed
from scenes import KINDS, hands_in_scenes, no_hands

import asl
from asl.augmentation.backgrounds import load_photographs
from asl.augmentation.hands import hand_mask
from asl.augmentation.skin_tones import recolour
from asl.decoding import open_rgb
from asl.evaluation.calibration import reliability
from asl.files import write_text
from asl.folders import images_in
from asl.recognizer.looking import A_HAND
from asl.recognizer.stretches import pose_of
from asl.recognizer.unseen import (
    answer_unseen,
    answer_unseen_source,
    pictures_without_hands,
)
from asl.signs import MONK_TONES

UNSEEN = (
    "unseen signers",
    "unseen sources",
    "unseen signers' hands in scenes",
    "unseen, machine",
)


def unseen_people(unseen: list[asl.Recognizer], real: asl.ASLDataset) -> dict:
    """Returns the scores of recognisers for the signers they have not seen, and their drops."""
    answers = answer_unseen(unseen, real)
    scores = answers.scores(real)
    unchanged = accuracy_on(unseen, real, lambda image: image)

    def drop(change) -> float:
        return round(unchanged - accuracy_on(unseen, real, change), 4)

    tones = [drop(lambda image, tone=tone: in_tone(image, tone)) for tone in MONK_TONES]
    return {
        name: {key: scores[name][key] for key in ("accuracy", "worst_signer", "per_signer", "ece")}
        for name in ("labels_36", "shapes_33")
    } | {
        "confusions": scores["confusions"],
        "read from one crop": of_one_crop(answers.evidence),
        "images of drops": sum(frame == 1 for frame in real.frames),
        "drop, mirrored (left hands)": drop(ImageOps.mirror),
        "drop, by tone of the Monk scale": tones,
    }


def unseen_sources(
    unseen: list[asl.Recognizer], shipped: asl.Recognizer, sources: dict[str, asl.ASLDataset]
) -> dict:
    """Returns the scores of recognisers for the photographs of each source they have not seen.

    Letters only. `f` may be signed as `9` is, so the two are one: 32 answers, 26 of them letters.
    """
    every: list[tuple] = []
    certain = []
    found = {}
    for name, photographs in sources.items():
        log_probs, evidence = answer_unseen_source(unseen, name, photographs)
        confidence = shipped.confidence(log_probs, evidence)
        _, labels = asl.merge_look_alikes(log_probs, torch.tensor(photographs.labels), asl.ANSWERS)
        poses = [(name, *pose_of(Path(path))) for path in photographs.image_files]
        every.append((confidence, labels, poses))
        found[name] = scores_of(*every[-1], shipped.threshold)
        certain.append(evidence)
    confidences, labels, poses = zip(*every, strict=True)
    together = torch.cat(confidences), torch.cat(labels), [pose for some in poses for pose in some]
    scores = scores_of(*together, shipped.threshold)
    return found | {"all": scores | {"read from one crop": of_one_crop(torch.cat(certain))}}


def of_one_crop(evidence: torch.Tensor) -> float:
    """Returns the share of pictures of which the classifier was certain after one crop."""
    return round((evidence == A_HAND).double().mean().item(), 4)


def scores_of(
    confidence: torch.Tensor, labels: torch.Tensor, poses: list, threshold: float
) -> dict:
    """Returns accuracies, with intervals drawn from poses, from the confidence of each answer."""
    best, answer = confidence.max(dim=1)
    letters = torch.tensor([any(sign.isalpha() for sign in a.split(" or ")) for a in asl.ANSWERS])
    within = confidence.masked_fill(~letters, -1).argmax(dim=1) == labels
    given, right = best >= threshold, answer == labels
    per_sign = {
        asl.ANSWERS[label]: round(within[labels == label].double().mean().item(), 4)
        for label in labels.unique().tolist()
    }
    none = 1 - confidence.sum(dim=1, keepdim=True)  # the probability that there is no hand
    calibrated = reliability(torch.cat([confidence, none], dim=1).clamp(min=1e-9).log(), labels)
    return {
        "photographs": len(labels),
        "poses": len(set(poses)),
        "a-z": round(within.double().mean().item(), 4),
        "a-z, 95 % interval": [round(end, 4) for end in asl.bootstrap_interval(within, poses)],
        "32 answers": round(right.double().mean().item(), 4),
        "answered": round(given.double().mean().item(), 4),
        "right, of those answered": round(right[given].double().mean().item(), 4),
        "calibration error": round(calibrated.error, 4),
        "per sign, a-z": per_sign,
    }


def unseen_in_scenes(unseen: list[asl.Recognizer], real: asl.ASLDataset, count: int = 300) -> dict:
    """Returns accuracies, 33 shapes, on unseen signers' hands put before other backgrounds."""
    found = {}
    step = len(real) // count
    for kind in KINDS:
        right, hands = [], []
        for recognizer in unseen:
            theirs = [i for i, s in enumerate(real.signers) if s in recognizer.facts["left_out"]]
            theirs = theirs[::step]
            log_probs, evidence = recognizer.raw_answers(hands_in_scenes(real, theirs, kind))
            labels = torch.tensor([real.labels[i] for i in theirs])
            shapes, actual = asl.merge_look_alikes(log_probs, labels)
            right.append(shapes.argmax(dim=1) == actual)
            hands.append(evidence > 0)
        every = torch.cat(right).double()
        found[kind] = {
            "pictures": len(every),
            "33 shapes": round(every.mean().item(), 4),
            "a hand is seen": round(torch.cat(hands).double().mean().item(), 4),
        }
    return found


def accuracy_on(unseen: list[asl.Recognizer], real: asl.ASLDataset, change) -> float:
    """Returns the accuracy, 33 shapes, on changed images of unseen signers, one of each burst."""
    right = []
    for recognizer in unseen:
        theirs = [
            i
            for i, s in enumerate(real.signers)
            if s in recognizer.facts["left_out"] and real.frames[i] == 1
        ]
        for start in range(0, len(theirs), 256):
            some = theirs[start : start + 256]
            pictures = [change(open_rgb(real.image_files[i], size=192)) for i in some]
            labels = torch.tensor([real.labels[i] for i in some])
            shapes, actual = asl.merge_look_alikes(recognizer.raw_answers(pictures)[0], labels)
            right.append(shapes.argmax(dim=1) == actual)
    return torch.cat(right).double().mean().item()


def in_tone(image: Image.Image, tone: tuple[int, int, int]) -> torch.Tensor:
    """Returns a hand on black in another skin, uint8 (3, H, W)."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
    # As dark as the hand was, relative to a light one: a photograph is darker than a chart.
    colour = 0.8 * torch.tensor(tone).view(1, 3, 1, 1) / 255
    return (255 * recolour(pixels, hand_mask(pixels), colour)[0]).round().byte()


def on_photos(recognizer: asl.Recognizer, folder: Path) -> dict:
    """Returns counts for a folder of photos laid out like the dataset."""
    paths = [path for sign in asl.SIGNS for path in images_in(folder / sign)]
    labels = torch.tensor([asl.SIGNS.index(path.parent.name) for path in paths])
    sights = recognizer.look(paths, top=1)
    log_probs = torch.stack([sight.log_probs for sight in sights])
    answered = torch.tensor([sight.answers[0][0] is not None for sight in sights])
    shapes, actual = asl.merge_look_alikes(log_probs, labels)
    right = shapes.argmax(dim=1) == actual
    confidence = torch.tensor([sight.answers[0][1] for sight in sights if sight.answers[0][0]])
    return {
        "photos": len(paths),
        "within their signs": round(asl.accuracy_within(log_probs, labels), 4),
        "33 shapes": round(right.double().mean().item(), 4),
        "answered": round(answered.double().mean().item(), 4),
        "33 shapes, of those answered": round(right[answered].double().mean().item(), 4),
        "mean confidence of those answered": round(confidence.mean().item(), 4),
    }


def asked_cnn_on_photos(real: asl.ASLDataset, folders: list[Path]) -> dict:
    """Returns how the walk-through's CNN, trained on all real images, reads whole photos."""
    torch.manual_seed(0)
    model = asl.ASLNet()
    asl.train_model(model, real, None, 10, seed=0, progress=False)
    found = {}
    for folder in folders:
        with warnings.catch_warnings():  # a set has letters or digits only
            warnings.simplefilter("ignore", UserWarning)
            photos = asl.ASLDataset(folder, progress=False)
        found[folder.name] = round(asl.accuracy_within(*asl.predict_log_probs(model, photos)), 4)
    return found


def without_hands(recognizer: asl.Recognizer) -> float:
    """Returns the share of pictures without hands, new to everyone, that get no answer."""
    pictures = pictures_without_hands(load_photographs("test"), count=1000, seed=1)
    return turned_away(recognizer, pictures)


def turned_away(recognizer: asl.Recognizer, pictures: list[torch.Tensor]) -> float:
    """Returns the share of pictures that get no answer."""
    answers = recognizer(pictures, top=1)
    return sum(ranked[0][0] is None for ranked in answers) / len(answers)


def hardware() -> str:
    """Returns what decides how fast a recogniser is."""
    return f"{os.cpu_count()} CPU cores, {platform.machine()}"


def recorded_people(output: Path, shipped: asl.Recognizer) -> dict:
    """Returns the figures of unseen signers that a file has of the same weights."""
    recorded = json.loads(output.read_text()) if output.exists() else {}
    if recorded.get("shipped") != shipped.facts:
        raise SystemExit(f"expected --unseen: '{output}' has no figures of the weights that ship")
    return {key: recorded[key] for key in UNSEEN}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unseen", nargs="+", help="one for each signer (default: as recorded)")
    parser.add_argument("--data", help="real images (default: as asl.find_dataset)")
    parser.add_argument("--sources", type=Path, help="folder of sources of photographs")
    parser.add_argument("--photos", type=Path, help="folder of sets of photos, to report only")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    real = asl.ASLDataset(asl.find_dataset(options.data), corrected=True)
    shipped = asl.Recognizer.load()
    machine = {"torch": torch.__version__, "hardware": hardware()}
    if options.unseen:
        unseen = [asl.Recognizer.load(path) for path in options.unseen]
        for (
            recognizer
        ) in unseen:  # the same finder, which has seen nobody; theirs is not calibrated
            recognizer.finder = shipped.finder
        sources = {
            folder.name: asl.ASLDataset(folder, progress=False)
            for folder in sorted(options.sources.iterdir())
            if folder.is_dir()
        }
        measured = (
            unseen_people(unseen, real),
            unseen_sources(unseen, shipped, sources),
            unseen_in_scenes(unseen, real),
            machine,
        )
        people = dict(zip(UNSEEN, measured, strict=True))
    else:
        people = recorded_people(options.output, shipped)
    sets = sorted(p for p in options.photos.iterdir() if p.is_dir()) if options.photos else []
    result = {
        "setting": {
            "command": "python benchmarks/recognizer.py --unseen build/recognizers/without-*."
            f"safetensors --sources {options.sources} --photos {options.photos} "
            f"--output {options.output.as_posix()}",
            "labels": "corrected (asl.signs.CORRECTIONS)",
            "images": len(real),
            **machine,
        },
        "shipped": shipped.facts,
        **people,
        "photos from other cameras": {path.name: on_photos(shipped, path) for path in sets},
        "the walk-through's CNN on them, within their signs": asked_cnn_on_photos(real, sets),
        "pictures without hands turned away": round(without_hands(shipped), 4),
        "faces and rooms without hands turned away": round(turned_away(shipped, no_hands(300)), 4),
        "speed": speed(shipped, real.image_files[::9]),
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
