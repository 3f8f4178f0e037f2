"""The command `fit`: trains a model in one process, or in as many as torchrun has started."""

import argparse

import torch

from asl.augmentation.hands import augment
from asl.commands.fit_arguments import IMAGE_SIZES
from asl.devices import seeded
from asl.processes.group import Processes
from asl.processes.joining import joined
from asl.recognizer.networks import ARCHITECTURES
from asl.recognizer.trained_model import save_model
from asl.sources import find_dataset
from asl.splits import load_asl_data
from asl.training import train_model


def fit(options: argparse.Namespace) -> tuple[dict, str]:
    """Trains a model on a part of the images and tests it on the others."""
    if options.threads:
        torch.set_num_threads(options.threads)
    with joined(options.device) as processes:
        return _fit(options, processes)


def _fit(options: argparse.Namespace, processes: Processes) -> tuple[dict, str]:
    size = options.image_size or IMAGE_SIZES[options.model]
    train, test = processes.one_after_another(
        lambda: load_asl_data(
            find_dataset(options.data),
            split=options.split,
            test_signer=options.test_signer,
            seed=options.split_seed,
            image_size=size,
            corrected=options.corrected,
        )
    )
    with seeded(options.seed, torch.device("cpu")):
        model = ARCHITECTURES[options.model](image_size=size)
    metrics = train_model(
        model,
        train,
        test,
        options.epochs,
        options.model,
        batch_size=options.batch_size,
        lr=options.lr,
        checkpoint=options.checkpoint,
        augment=augment if options.augment else None,
        half_precision=options.half_precision,
        seed=options.seed,
        processes=processes,
    )
    if options.output is not None:
        processes.from_first(lambda: save_model(model, options.output))
    result = {
        "command": options.command_line,
        "processes": processes.count,
        "threads": torch.get_num_threads(),
        "images": {"training": len(train), "test": len(test)},
        "metrics": metrics,
        "output": options.output and str(options.output),
    }
    lines = [
        f"{options.model}: {metrics['test_accuracies'][-1]:.2f} % of {len(test):,} test images are "
        f"right after {len(metrics['epoch_times'])} epochs on {len(train):,}, "
        f"{sum(metrics['epoch_times']):.1f} s in {processes.count} process"
        + ("es" if processes.count > 1 else "")
    ]
    if options.output is not None:
        lines.append(f"model: {options.output}")
    return result, "\n".join(lines)
