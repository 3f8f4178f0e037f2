"""Measures what rendered hands are worth: training on them alone, and beside real ones.

    python -m asl synthesize build/sixty --signers 60 --seed 7 --size 64 --frames 1
    python benchmarks/rendered_signers.py --rendered build/sixty \\
        --output results/rendered_signers.json

Rendered hands only: the CNN learns from them, and is tested on all real images and on photos from
other cameras; a lookup and chance stand beside it. Rendered hands added: each real signer is left
out in turn, with and without them in the training part, for about the same number of steps.
"""

import argparse
import json
import warnings
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import torch

import asl
from asl.augmentation.hands import augment
from asl.files import write_text
from asl.signs import IMAGE_SIZE


def on_photographs(model, real: asl.ASLDataset, photos: dict[str, asl.ASLDataset]) -> dict:
    """Returns accuracies: over 33 shapes on real images, within a set's signs on its photos."""
    log_probs, labels = asl.merge_look_alikes(*asl.predict_log_probs(model, real))
    by_signer = asl.group_accuracy(log_probs, labels, real.signers)
    found = {
        "real images": asl.accuracy(log_probs, labels),
        "real images, worst signer": min(rate for rate, _ in by_signer.values()),
    }
    for name, dataset in photos.items():
        within = asl.accuracy_within(*asl.predict_log_probs(model, dataset))
        found[f"{name} photos, within their signs"] = within
    return found


def rendered_only(rendered, real, photos, seeds: int, epochs: int, **options) -> dict:
    """Trains on rendered hands alone, once a seed, and returns the means of the figures."""
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = asl.ASLNet()
        asl.train_model(model, rendered, None, epochs, seed=seed, progress=False, **options)
        runs.append(on_photographs(model, real, photos))
        print(seed, options, runs[-1], flush=True)
    means = {key: mean(run[key] for run in runs) for key in runs[0]}
    if seeds > 1:
        means["real images, sd over seeds"] = stdev(run["real images"] for run in runs)
    return means


def rendered_added(rendered, real, seeds: int, epochs: int) -> dict:
    """Leaves out each real signer, with and without rendered hands in the training part."""
    options = {"seeds": range(seeds), "resume_dir": "build/folds", "protocol": "signer"}
    train = mean(len(real) - real.signers.count(signer) for signer in set(real.signers))
    fewer = max(1, round(epochs * train / (train + len(rendered))))
    results = {
        "without": asl.cross_validate(asl.ASLNet, real, epochs=epochs, **options),
        "with": asl.cross_validate(asl.ASLNet, real, epochs=fewer, extra=rendered, **options),
    }
    right = {}
    for name, result in results.items():
        log_probs, labels = asl.merge_look_alikes(result.log_probs, result.labels)
        right[name] = (log_probs.argmax(dim=2) == labels).double().mean(dim=0)
    gain = right["with"] - right["without"]
    found = {name: result.scores()["shapes_33"] for name, result in results.items()}
    return {
        "epochs without": epochs,
        "epochs with": fewer,
        **{
            name: {key: scores[key] for key in ("accuracy", "worst_signer", "per_signer")}
            for name, scores in found.items()
        },
        "difference": {
            "mean": round(gain.mean().item(), 4),
            "interval": [
                round(end, 4) for end in asl.bootstrap_interval(gain, results["with"].bursts)
            ],
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rendered", required=True, help="folder of rendered hands")
    parser.add_argument("--data", help="real images (default: as asl.find_dataset)")
    parser.add_argument("--photos", type=Path, help="folder of sets of photos, to report only")
    parser.add_argument("--epochs", type=int, default=10, help="on rendered hands only")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    real = asl.ASLDataset(asl.find_dataset(options.data))
    rendered = asl.ASLDataset(options.rendered)
    photos = {}
    for folder in sorted(options.photos.iterdir()) if options.photos else ():
        if folder.is_dir():
            with warnings.catch_warnings():  # a set has letters or digits only
                warnings.simplefilter("ignore", UserWarning)
                photos[folder.name] = asl.ASLDataset(folder)

    lookup = on_photographs(asl.NearestNeighbour().fit(rendered), real, photos)
    only = {
        "chance": {"real images": 1 / len(asl.SHAPES)}
        | {
            f"{name} photos, within their signs": 1 / len(set(p.labels))
            for name, p in photos.items()
        },
        "1-nearest-neighbour": lookup,
    }
    common = (rendered, real, photos, options.seeds, options.epochs)
    only["CNN"] = rendered_only(*common)
    mild = partial(augment, strength=0.3, background_share=0)  # these photographs are on black
    only["CNN, mildly augmented"] = rendered_only(*common, augment=mild)
    manifest = json.loads((Path(options.rendered) / "manifest.json").read_text())
    result = {
        "setting": {
            "command": f"python benchmarks/rendered_signers.py --rendered {options.rendered} "
            f"--photos {options.photos} --epochs {options.epochs} --seeds {options.seeds} "
            f"--output {options.output.as_posix()}",
            "rendered": manifest["options"] | {"images": len(rendered)},
            "images": len(real),
            "image_size": IMAGE_SIZE,
            "epochs": options.epochs,
            "seeds": options.seeds,
            "torch": torch.__version__,
        },
        "rendered hands only": {
            model: {key: round(value, 4) for key, value in found.items()}
            for model, found in only.items()
        },
        "rendered hands added": rendered_added(rendered, real, options.seeds, epochs=10),
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
