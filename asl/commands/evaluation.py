"""The commands that measure models and data: each turns its arguments into one call."""

import argparse
import dataclasses
import json
import platform
from pathlib import Path

import torch

from asl.commands.evaluation_arguments import MODEL_NAMES
from asl.data import ASLDataset
from asl.decoding import shown
from asl.devices import default_device
from asl.evaluation.baseline import NearestNeighbour
from asl.evaluation.cross_validation import cross_validate
from asl.evaluation.label_audit import audit_dataset
from asl.evaluation.leakage import check_leakage
from asl.files import write_text
from asl.processes.joining import joined
from asl.recognizer.networks import ARCHITECTURES
from asl.sources import find_dataset
from asl.splits import load_asl_data

MODELS = {
    name: NearestNeighbour if name == "nearest" else ARCHITECTURES[name] for name in MODEL_NAMES
}

# --- evaluate -------------------------------------------------------------------------------------


def evaluate(options: argparse.Namespace) -> tuple[dict, str]:
    """Cross-validates models; several processes deal out the folds."""
    with joined() as processes:
        dataset = processes.one_after_another(lambda: _dataset(options))
        models = {
            name: cross_validate(
                MODELS[name],
                dataset,
                calibrate=options.calibrate,
                processes=processes,
                **_training(options),
            ).scores()
            for name in options.models
        }
        result = {"setting": _setting(options, dataset), "models": models}
        if processes.count > 1:
            result["setting"]["processes"] = processes.count
        processes.from_first(lambda: _write(result, options.output))
    return result, _table(models)


def _table(models: dict[str, dict]) -> str:
    """Returns a line for each model: percentages, as mean ± standard deviation over seeds."""
    import pandas as pd  # 0.3 s that only this table needs to spend

    rows = {}
    for name, scores in models.items():
        shapes = scores["shapes_33"]
        worst = shapes.get("worst_signer")
        rows[name] = {
            "36 labels": _percent(scores["labels_36"]["accuracy"]),
            "33 shapes": _percent(shapes["accuracy"]),
            "mean of signers": _percent(shapes.get("signer_mean")),
            "worst signer": _percent(worst)
            + (f" (signer {worst['signer']}, n = {worst['n']})" if worst else ""),
            "calibration error": _percent(shapes["ece"]),
            "calibrated": _percent(shapes.get("ece_calibrated")),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    # Headings hold single spaces, so two keep them apart.
    text = table.to_string(col_space=[len(heading) + 2 for heading in table])
    return f"{text}\nin percent; all columns but the first are for 33 shapes"


def _percent(value: dict | None) -> str:
    if value is None:
        return "-"
    sd = "" if value["sd"] is None else f" ± {100 * value['sd']:.1f}"
    return f"{100 * value['mean']:.1f}{sd}"


# --- audit ----------------------------------------------------------------------------------------


def audit(options: argparse.Namespace) -> tuple[dict, str]:
    """Ranks images by how likely their sign is to be wrong."""
    dataset = _dataset(options)
    table = audit_dataset(dataset, make_model=MODELS[options.model], **_training(options))
    table = table.head(options.top).round({"score": 4})
    table["file"] = [Path(f).relative_to(dataset.data_dir).as_posix() for f in table["file"]]
    ranked = table.to_dict("records")
    result = {"setting": _setting(options, dataset), "ranked": ranked}
    _write(result, options.output)
    return result, table.assign(file=table["file"].map(shown)).to_string()


# --- leakage --------------------------------------------------------------------------------------


def leakage(options: argparse.Namespace) -> tuple[dict, str]:
    """Reports what a test part shares with a training part."""
    if (options.train is None) != (options.test is None):
        raise ValueError(
            f"expected both --train and --test or neither, found --train {options.train}, "
            f"--test {options.test}"
        )
    if options.train is not None:
        found = check_leakage(ASLDataset(options.train), ASLDataset(options.test))
    else:
        train, test = load_asl_data(
            find_dataset(options.data),
            split=options.split,
            test_signer=options.test_signer,
            seed=options.seed,
        )
        found = check_leakage(train, test)
    return dataclasses.asdict(found), str(found)


# --- shared ---------------------------------------------------------------------------------------


def _dataset(options: argparse.Namespace) -> ASLDataset:
    folder = find_dataset(options.data)
    return ASLDataset(folder, image_size=options.image_size, corrected=options.corrected)


def _training(options: argparse.Namespace) -> dict:
    """Returns the options of `cross_validate` that the command line sets."""
    return {
        "protocol": options.protocol,
        "seeds": range(options.seeds),
        "workers": options.workers,
        "resume_dir": options.resume_dir,
        "epochs": options.epochs,
    }


def _setting(options: argparse.Namespace, dataset: ASLDataset) -> dict:
    """Returns what a reader needs to know to repeat a result."""
    return {
        "command": options.command_line,
        "protocol": options.protocol,
        "images": len(dataset),
        "image_size": options.image_size,
        "corrected": options.corrected,
        "epochs": options.epochs,
        "seeds": options.seeds,
        "hardware": f"{default_device().type}, {torch.get_num_threads()} threads, "
        f"{platform.machine()}",
        "torch": torch.__version__,
    }


def _write(result: dict, output: Path | None) -> None:
    if output is not None:
        write_text(output, _compact(result) + "\n")


def _compact(value, indent: str = "") -> str:
    """Returns JSON with one line for each entry, not one for each number."""
    nested = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(v, dict) for v in nested):
        return json.dumps(value)
    inner = indent + " "
    if isinstance(value, list):
        opening, closing = "[]"
        entries = [_compact(v, inner) for v in value]
    else:
        opening, closing = "{}"
        entries = [f"{json.dumps(k)}: {_compact(v, inner)}" for k, v in value.items()]
    body = ",\n".join(inner + entry for entry in entries)
    return f"{opening}\n{body}\n{indent}{closing}"
