"""Measures how much a recogniser learns of a hand from one and three photos of each sign.

    python benchmarks/teaching.py --unseen build/recognizers/without-*.safetensors \\
        --sources ../shared/strangers --photos ../shared/photos/webcam \\
        --output results/teaching.json

Each source of photographs is read by the recogniser that was trained without it. The prior, the
temperature and the threshold of practice come from the studio's left-out signers and from the other
sources. Shots are the first photographs of one stretch of a sign; what is tested are the
photographs of all other stretches. Practice is asked for each letter and for others, with frames
from three photographs in a row.
The webcam's photos are read by the recogniser that ships, as it is.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from recognizer import hardware

import asl
from asl.evaluation.calibration import fit_temperature, reliability
from asl.evaluation.metrics import merge_look_alikes
from asl.files import write_text
from asl.folders import images_in
from asl.live.practice import PracticeRules, check, practise
from asl.live.spelling import LETTERS as ALPHABET
from asl.recognizer.stretches import STRETCH, stretches_in
from asl.recognizer.teaching import ANSWER_OF_SIGN, Hand, Prior, lesson_of, taught_answers
from asl.recognizer.teaching_prior import (
    Person,
    letter_shares_of,
    taught_with,
    verification_threshold,
)
from asl.recognizer.teaching_strength import fit_prior
from asl.recognizer.unseen import answer_unseen, answer_unseen_source
from asl.splits import bursts_of

LETTERS = torch.tensor([any(s.isalpha() for s in a.split(" or ")) for a in asl.ANSWERS])
LABELS = torch.tensor(ANSWER_OF_SIGN)
ALONE = "dmntz"  # letters that are taught alone
RATE, PATIENCE = 10, 2.0  # frames a second, and the seconds within which a letter is accepted


def photographed(
    name: str, files: Sequence[str], log_probs: torch.Tensor, stretch: int = STRETCH
) -> Person:
    """Returns answers to photographs in class folders, of each pose one, in the order taken."""
    order, stretches = stretches_in(files, stretch)
    labels = torch.tensor([asl.SIGNS.index(Path(files[i]).parent.name) for i in order])
    return Person(name, log_probs[order], labels, stretches, "source")


def score(person: Person, prior: Prior, hand: Hand, rest, temperature: float, letters) -> dict:
    """Returns figures on the pictures that are no shots."""
    lesson = lesson_of(hand, prior)
    answers = taught_answers(person.log_probs[rest], lesson, temperature)
    actual = LABELS[person.labels[rest]]
    within = answers.masked_fill(~LETTERS, -torch.inf) if letters else answers
    return {
        "accuracy": (within.argmax(dim=1) == actual).double().mean().item(),
        "calibration error": reliability(answers, actual).error,
        "right": within.argmax(dim=1) == actual,
    }


def mean_of(scores: list[dict]) -> dict:
    """Returns the means of figures over draws."""
    return {
        key: round(sum(s[key] for s in scores) / len(scores), 4)
        for key in ("accuracy", "calibration error")
    }


def taught_scores(
    person: Person, prior: Prior, temperature: float, draws: int, letters: bool = True
) -> dict:
    """Returns how a person's pictures are read before and after teaching, on the same pictures."""
    found = {}
    for count in (1, 3):
        before, after = [], []
        for draw in range(draws):
            hand, rest = taught_with(person, prior, asl.SIGNS, count, draw)
            if not rest.any():
                continue
            given = (rest, temperature, letters)
            before.append(score(person, prior, Hand.untaught(), *given))
            after.append(score(person, prior, hand, *given))
        if after:
            found[f"{count} a sign"] = {"untaught": mean_of(before), "taught": mean_of(after)}
    return {"pictures": len(person.labels), "draws": draws, **found}


def taught_alone(person: Person, prior: Prior, temperature: float, draws: int) -> dict:
    """Returns what one shot of a letter alone changes: for the letter, and for all others."""
    found = {}
    for letter in (*ALONE, ALONE):
        own, others = [], []
        for draw in range(draws):
            hand, rest = taught_with(person, prior, letter, 1, draw)
            taught, untaught = (
                score(person, prior, h, rest, temperature, True)["right"].double()
                for h in (hand, Hand.untaught())
            )
            is_own = torch.tensor([asl.SIGNS[i] in letter for i in person.labels[rest].tolist()])
            own.append((taught - untaught)[is_own].mean().item())
            others.append((taught - untaught)[~is_own].mean().item())
        found[letter] = {
            "the letter gains": round(sum(own) / draws, 4),
            "the others gain": round(sum(others) / draws, 4),
        }
    return found


def accepted(person: Person, prior: Prior, hand: Hand, rest, temperature, threshold) -> dict:
    """Returns the shares of right and of wrong letters that practice accepts from one frame."""
    answers = taught_answers(person.log_probs[rest], lesson_of(hand, prior), temperature)
    shares, right = letter_shares_of(answers, person.labels[rest])
    given = shares >= threshold
    return {
        "right letters accepted": round(given[right].double().mean().item(), 4),
        "wrong letters accepted": round(given[~right].double().mean().item(), 4),
    }


def is_accepted(letter: str, frames: list[list[float]], rules: PracticeRules) -> bool:
    """Returns whether practice takes frames for a letter; each is seen twice in a row."""
    state = practise(letter)
    for i in range(round(PATIENCE * RATE) + 1):
        state = check(state, i / RATE, frames[i // 2 % len(frames)], rules)
        if state.accepted:
            return True
    return False


def accepted_in_time(person: Person, prior: Prior, hand: Hand, rest, temperature, threshold):
    """Returns the shares of right and of wrong letters that practice accepts within 2 s.

    A hold is three photographs in a row. Five other letters, in turn all, are asked for as well.
    """
    answers = taught_answers(person.log_probs[rest], lesson_of(hand, prior), temperature)
    confidence, labels = answers.exp().tolist(), person.labels[rest].tolist()
    rules = PracticeRules(threshold=threshold)
    given: dict[bool, list[bool]] = {True: [], False: []}
    for start in range(0, len(labels) - 2, 3):
        (sign, *others) = {labels[i] for i in range(start, start + 3)}
        if others or not asl.SIGNS[sign].isalpha():
            continue
        frames, place = confidence[start : start + 3], ALPHABET.index(asl.SIGNS[sign])
        first = 1 + start // 3 % 5
        for further in (0, *range(first, 26, 5)):  # 0 is the letter itself
            letter = ALPHABET[(place + further) % 26]
            given[further == 0].append(is_accepted(letter, frames, rules))
    right, wrong = (sum(given[kind]) / max(1, len(given[kind])) for kind in (True, False))
    return {
        "holds": len(given[True]),
        "right letters accepted": round(right, 4),
        "wrong letters accepted": round(wrong, 4),
    }


def practice_scores(person: Person, others: list[Person], prior: Prior, temperature: float) -> dict:
    """Returns what practice accepts of a person, with a threshold chosen on other sources."""
    sources = [p for p in others if p.kind == "source"] or others
    threshold = verification_threshold(sources, temperature)["threshold"]
    hand, rest = taught_with(person, prior, asl.SIGNS, 3)
    found: dict = {"threshold": round(threshold, 4)}
    for name, known in (("untaught", Hand.untaught()), ("taught, 3 a sign", hand)):
        given = (person, prior, known, rest, temperature, threshold)
        found[name] = {"one frame": accepted(*given), "within 2 s": accepted_in_time(*given)}
    return found


def signers_of(unseen: list[asl.Recognizer], real: asl.ASLDataset) -> list[Person]:
    """Returns the answers to each of the studio's signers, who was left out."""
    answers, bursts = answer_unseen(unseen, real), bursts_of(real)
    assert bursts is not None  # of the dataset, every signer is known
    found = []
    for signer in sorted({real.signers[i] for i in answers.indices}):
        rows = [row for row, i in enumerate(answers.indices) if real.signers[i] == signer]
        images = [answers.indices[row] for row in rows]
        labels = torch.tensor([real.labels[i] for i in images])
        stretches = [bursts[i] for i in images]
        found.append(
            Person(f"signer {signer}", answers.log_probs[rows], labels, stretches, "studio")
        )
    return found


def temperature_of(people: list[Person]) -> float:
    """Returns the temperature that fits the answers to people."""
    log_probs, labels = (torch.cat([p[i] for p in people]) for i in (1, 2))
    return fit_temperature(*merge_look_alikes(log_probs, labels, asl.ANSWERS))


def measure(people: list[Person], draws: int) -> dict:
    """Returns the figures of each person, known to nobody and to no prior."""
    found = {}
    for person in people:
        others = [other for other in people if other.name != person.name]
        temperature = temperature_of(others)
        prior = fit_prior(others, temperature)
        letters = person.kind == "source"
        found[person.name] = {
            "strength": prior.strength._asdict(),
            **taught_scores(person, prior, temperature, draws, letters),
        }
        if letters:
            found[person.name] |= {
                "one letter taught": taught_alone(person, prior, temperature, draws),
                "practice": practice_scores(person, others, prior, temperature),
            }
    return found


def webcam(shipped: asl.Recognizer, folder: Path, draws: int) -> dict:
    """Returns the figures of photos from another camera, read by the recogniser that ships."""
    files = [str(path) for sign in asl.SIGNS for path in images_in(folder / sign)]
    person = photographed(folder.name, files, shipped.raw_answers(files)[0], 3)
    prior, temperature = shipped.prior, shipped.temperature
    return taught_scores(person, prior, temperature, draws) | {
        "one letter taught": taught_alone(person, prior, temperature, draws)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unseen", nargs="+", required=True, help="recognisers, see above")
    parser.add_argument("--data", help="real images (default: as asl.find_dataset)")
    parser.add_argument("--sources", type=Path, required=True, help="folder of sources")
    parser.add_argument("--photos", type=Path, help="a set of photos, to report only")
    parser.add_argument("--draws", type=int, default=4, help="stretches that shots are taken from")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    shipped = asl.Recognizer.load()
    # The same finder, which has seen nobody; theirs is not calibrated.
    unseen = [replace(asl.Recognizer.load(p), finder=shipped.finder) for p in options.unseen]
    real = asl.ASLDataset(asl.find_dataset(options.data), corrected=True)
    people = signers_of(unseen, real)
    for folder in sorted(path for path in options.sources.iterdir() if path.is_dir()):
        source = asl.ASLDataset(folder, progress=False)
        files = [str(file) for file in source.image_files]
        log_probs = answer_unseen_source(unseen, folder.name, source)[0]
        people.append(photographed(folder.name, files, log_probs))
    result = {
        "setting": {
            "command": "python benchmarks/teaching.py --unseen build/recognizers/without-*."
            f"safetensors --sources {options.sources} --photos {options.photos} "
            f"--output {options.output.as_posix()}",
            "torch": torch.__version__,
            "hardware": hardware(),
        },
        "people": measure(people, options.draws),
    }
    if options.photos:
        result["photos from another camera"] = webcam(shipped, options.photos, options.draws)
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
