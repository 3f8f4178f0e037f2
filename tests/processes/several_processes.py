"""What torchrun starts for the tests of several processes: runs one scenario.

python -m torch.distributed.run --standalone --nproc-per-node 3 several_processes.py NAME …
"""

import json
import os
import signal
import sys
import warnings
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset

import asl
import asl.recognizer.train
from asl.fingerprints import fingerprint
from asl.processes.joining import joined
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_finder import train_finder
from asl.recognizer.train_reader import HandPhotographs, train_reader

warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="torch")


def random_data(size, *, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(size, 3, 28, 28, generator=generator, dtype=dtype)
    return TensorDataset(images, torch.randint(36, (size,), generator=generator))


def add_noise(images, generator):
    """Draws for the batch that it is given, without knowing that others have a part of it."""
    return images + torch.randn(len(images), 1, 1, 1, generator=generator, dtype=images.dtype)


# name → the model, training images, batch size, further options. Three processes share 19 images:
# batches of 8, 8 and 3; 16 images: the last of 17 joins; 2 images: one process has none.
CASES = {
    "mlp": (asl.create_sequential_model, 19, 8, {}),
    "mlp, float32": (asl.create_sequential_model, 24, 8, {"dtype": torch.float32}),
    "a last image that joins": (asl.create_sequential_model, 17, 8, {}),
    "cnn": (asl.ASLNet, 19, 8, {}),
    "cnn, fewer images than processes": (asl.ASLNet, 2, 8, {}),
    "cnn, batches of two": (asl.ASLNet, 5, 2, {}),
    "changed images": (partial(asl.ASLNet, attention="channel"), 10, 4, {"augment": add_noise}),
    "asl.augment, float32": (
        asl.create_sequential_model,
        19,
        8,
        {"augment": partial(asl.augment, strength=0.8), "dtype": torch.float32},
    ),
    "resnet": (partial(asl.ASLResNet, image_size=32), 7, 4, {"size": 32}),
}


def train(make, count, batch_size, options, processes, **more):
    """Trains two epochs from first weights that only process 0 has."""
    options = {**options, **more}
    data = random_data(count, dtype=options.get("dtype", torch.float64))
    if size := options.pop("size", None):
        images = torch.nn.functional.interpolate(data.tensors[0], (size, size))
        data = TensorDataset(images, data.tensors[1])
    torch.manual_seed(7 + processes.rank)
    model = make().to(options.pop("dtype", torch.float64))
    metrics = asl.train_model(
        model,
        data,
        Subset(data, range(min(len(data), 5))),
        2,
        batch_size=batch_size,
        processes=processes,
        device="cpu",
        progress=False,
        **{"seed": 3} | options,
    )
    weights = {name: float(value.double().sum()) for name, value in model.state_dict().items()}
    return {k: v for k, v in metrics.items() if k != "epoch_times"} | {"weights": weights}


def equality(processes):
    return {name: train(*case, processes) for name, case in CASES.items()}


def refused(function):
    try:
        function()
    except (ValueError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def agreement(processes):
    """What each process says when they were not given the same, or one of them fails."""
    make, rank = asl.create_sequential_model, processes.rank
    poisoned = random_data(8)
    poisoned.tensors[0][5] = torch.nan  # of one process's shard
    called = []

    def callback(epoch, metrics):
        called.append(epoch)
        return epoch == 1

    def training(data, **options):
        return partial(
            asl.train_model, make().double(), data, None, 3, batch_size=4,
            processes=processes, progress=False, device="cpu", **options,
        )  # fmt: skip

    def fail():
        raise ValueError(f"only process {rank} fails")

    found = {
        "counts": refused(training(random_data(20 - rank))),
        "contents": refused(training(random_data(20, seed=rank))),
        "options": refused(training(random_data(20), lr=0.1 * (1 + rank))),
        "diverged": refused(training(poisoned)),
        "of first": refused(lambda: processes.from_first(fail)),
        "sent": processes.from_first(lambda: f"from {rank}"),
        "each": processes.each(rank),
    }
    metrics = training(random_data(8), callback=callback, seed=0)()
    torch.manual_seed(rank)  # without a seed, the numbers of process 0 count
    unseeded = training(random_data(8), augment=add_noise)()
    return found | {
        "reader": reader(processes),
        "finder": finder(processes),
        "recognizer": recognizer(processes),
        "callback": [called, len(metrics["train_losses"])],
        "unseeded": unseeded["train_losses"],
    }


def reader(processes):
    """Trains the recogniser's classifier for an epoch, on hands on black and photographs."""
    generator = torch.Generator().manual_seed(0)
    photographs = torch.randint(0, 256, (7, 3, 168, 168), generator=generator).byte()
    backgrounds = torch.randint(0, 256, (2, 3, 40, 40), generator=generator).byte()
    hands = TensorDataset(torch.randn(9, 3, 32, 32, generator=generator), torch.arange(9))
    torch.manual_seed(0)
    model = asl.ASLMobileNet(image_size=32)
    return train_reader(
        model,
        hands,
        [HandPhotographs(photographs, torch.arange(7))],
        backgrounds,
        Recipe(photograph_repeats=1, image_size=32, epochs=2, seed=0),
        batch_size=8,
        processes=processes,
        device="cpu",
        progress=False,
    )


def finder(processes):
    """Trains a finder for two epochs, of which its first layers stay as they are."""
    hands = TensorDataset(random_data(9, dtype=torch.float32).tensors[0], torch.zeros(9))
    torch.manual_seed(processes.rank)
    network = asl.HandFinder(image_size=32)
    recipe, kept = Recipe(finder_epochs=2, image_size=32), [network.first_layers()]
    options = {"batch_size": 4, "device": "cpu", "progress": False, "processes": processes}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network.load_state_dict(asl.HandFinder(image_size=32).state_dict())
    return train_finder(network, hands, recipe, kept=kept, **options)


def recognizer(processes):
    """Trains a whole recogniser; only process 0 finds joints. Returns a key of all weights."""

    def train_joints(reader, *arguments, **options):
        assert processes.rank == 0
        reader.trust.fill_(0.5)

    stand_ins = {"train_joint_reader": train_joints, "_found_joints": lambda *_: []}
    loaders = ("load_landmark_weights", "load_palm_weights", "load_joint_weights")
    stand_ins |= dict.fromkeys(loaders, lambda *_: None)
    with ExitStack() as stack, TemporaryDirectory() as folder, warnings.catch_warnings():
        for number, sign in enumerate("ababab"):
            (Path(folder) / sign).mkdir(exist_ok=True)
            image = Image.new("RGB", (32, 32), (40 * number, 90, 200))
            image.save(Path(folder) / sign / f"{number}.png")
        warnings.filterwarnings("ignore", ".*images of 2 of 36 signs")
        for name, function in stand_ins.items():
            stack.enter_context(patch.object(asl.recognizer.train, name, function))
        made = asl.recognizer.train.train_recognizer(
            asl.ASLDataset(folder, image_size=32, progress=False),
            None,
            torch.randint(0, 256, (2, 3, 40, 40), generator=torch.Generator()).byte(),
            Recipe(image_size=32, epochs=1, finder_epochs=1, finder_last_epochs=1),
            pretrained="a wheel",
            device="cpu",
            processes=processes,
            progress=False,
        )
    assert made.joint_reader.trust == 0.5 and not made.joint_reader.training
    networks = (made.finder, made.classifier, made.joint_reader)
    return fingerprint([network.state_dict() for network in networks])


def killed(processes, path):
    """Process 1 is killed in the second epoch, the first time that it runs."""
    steps: list[int] = []
    mortal = processes.rank == 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"

    def augment(images, generator):
        steps.append(len(images))
        if mortal and path != "whole" and len(steps) == 5:  # of three an epoch
            os.kill(os.getpid(), signal.SIGKILL)
        return add_noise(images, generator)

    case = (asl.create_sequential_model, 19, 8, {"augment": augment})
    if path == "whole":
        return train(*case, processes)
    return train(*case, processes, checkpoint=path) | {"epochs now": len(steps) / 3}


def two_machines(processes):
    assert os.environ["LOCAL_RANK"] == "0"  # on either
    return train(*CASES["mlp"], processes)


SCENARIOS = {
    "equality": equality,
    "agreement": agreement,
    "killed": killed,
    "two machines": two_machines,
}


def main(name, *arguments):
    torch.set_num_threads(1)
    with joined("cpu", timeout=30) as processes:
        result = SCENARIOS[name](processes, *arguments)
        say(f"{processes.rank}.json", result)


def say(name, result):
    """Writes into a file, since lines of several processes mix."""
    (Path(os.environ["RESULTS"]) / name).write_text(json.dumps(result))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        say(f"lost {os.environ['RANK']}.json", str(error))
        sys.exit(3)
