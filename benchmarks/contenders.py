"""The work of the notebook as different people would do it. One process does one contender's once.

    python benchmarks/contenders.py ours --data asl_dataset

The work: load the images, train both models, then predict the test part as often as the notebook
does (two confusion matrices, two models for the accuracy on each sign). `benchmarks/bench.py` runs
this file and reads the line of JSON that it prints. Importing libraries is not timed.

- *As asked*: the notebook we were given. It decodes every image again whenever it is needed, and
  calls the extractor once for each colour channel.
- *ImageFolder*: torchvision's, with transforms v2 and a DataLoader of 0 or 2 workers. This and all
  that follow train the same models as this project.
- *fastai*, *Lightning*: as their tutorials do it, with as many workers. They are in
  `benchmarks/requirements-others.txt`.
"""

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from timeit import default_timer as timer
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, Subset, random_split
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from asl.decoding import IMAGENET_MEAN, IMAGENET_STD
from asl.models import ASLNet, create_sequential_model
from asl.signs import IMAGE_SIZE, SIGNS

BATCH, LR, DECAY = 64, 1e-3, 0.01
SIDES = (IMAGE_SIZE, IMAGE_SIZE)


class Contender(NamedTuple):
    """How somebody does the work.

    Attributes:
        load: folder → data, in whatever form.
        train: (model, data, epochs) → accuracy on the test part after the last epoch, in percent.
            It is measured after every epoch, as in the notebook.
        predict: (model, data) predicts the test part once.
        cnn: makes the CNN.
    """

    load: Callable[[Path], Any]
    train: Callable[[nn.Module, Any, int], float]
    predict: Callable[[nn.Module, Any], object]
    cnn: Callable[[], nn.Module] = ASLNet


# --- as asked, and ImageFolder ------------------------------------------------------------------


class FilesAsAsked(Dataset):
    """Lists the files, and decodes one whenever it is asked for."""

    def __init__(self, folder: Path, transform: Callable):
        self.files = [
            (os.path.join(folder, sign, name), SIGNS.index(sign))
            for sign in os.listdir(folder)
            if sign in SIGNS
            for name in os.listdir(os.path.join(folder, sign))
            if name.lower().endswith((".png", ".jpg", ".jpeg"))
        ]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.files[index]
        return self.transform(Image.open(path)), label


class ThreeCalls(ASLNet):
    """The CNN with one extractor call per colour channel."""

    def forward(self, x):
        features = self.shared(
            torch.cat([self.feature_extract(x[:, c : c + 1]).flatten(1) for c in range(3)], dim=1)
        )
        gate = self.attention(features).mean(dim=1, keepdim=True)
        return F.log_softmax(self.classifier(features * gate), dim=1)


class Loaders(NamedTuple):
    train: DataLoader
    test: DataLoader


def loaders_of(dataset: Dataset, workers: int) -> Loaders:
    train_size = int(0.8 * len(dataset))  # type: ignore[arg-type]
    parts = random_split(dataset, [train_size, len(dataset) - train_size])  # type: ignore[arg-type]
    options = {"batch_size": BATCH, "num_workers": workers, "persistent_workers": workers > 0}
    return Loaders(*(DataLoader(part, shuffle=part is parts[0], **options) for part in parts))


def load_as_asked(folder: Path) -> Loaders:
    steps = [transforms.Resize(SIDES), transforms.ToTensor()]
    steps.append(transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD))
    return loaders_of(FilesAsAsked(folder, transforms.Compose(steps)), workers=0)


def image_folder(folder: Path) -> ImageFolder:
    steps = [v2.Resize(SIDES), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return ImageFolder(folder, v2.Compose([*steps, v2.Normalize(IMAGENET_MEAN, IMAGENET_STD)]))


def train_in_a_loop(model: nn.Module, data: Loaders, epochs: int) -> float:
    optimizer = optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY)
    steps = epochs * len(data.train)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LR, total_steps=steps)
    accuracy = 0.0
    for _ in range(epochs):
        model.train()
        for images, labels in data.train:
            optimizer.zero_grad()
            F.nll_loss(model(images), labels).backward()
            optimizer.step()
            scheduler.step()
        accuracy = predict_in_a_loop(model, data)
    return accuracy


@torch.no_grad()
def predict_in_a_loop(model: nn.Module, data: Loaders) -> float:
    """Returns the accuracy, in percent."""
    model.eval()
    right = [(model(images).argmax(1) == labels).float() for images, labels in data.test]
    return 100 * torch.cat(right).mean().item()


def with_image_folder(workers: int) -> Contender:
    return Contender(
        lambda folder: loaders_of(image_folder(folder), workers), train_in_a_loop, predict_in_a_loop
    )


# --- fastai and Lightning -------------------------------------------------------------------------


def with_fastai(workers: int = 2) -> Contender:
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        Learner,
        Normalize,
        RandomSplitter,
        Resize,
        ResizeMethod,
        accuracy,
        get_image_files,
        parent_label,
    )

    def load(folder: Path) -> Any:
        block = DataBlock(
            blocks=(ImageBlock, CategoryBlock),
            get_items=get_image_files,
            get_y=parent_label,
            splitter=RandomSplitter(0.2, seed=0),
            item_tfms=Resize(IMAGE_SIZE, method=ResizeMethod.Squish),
            batch_tfms=Normalize.from_stats(IMAGENET_MEAN, IMAGENET_STD),
        )
        return block.dataloaders(folder, bs=BATCH, num_workers=workers, device=torch.device("cpu"))

    def learner(model: nn.Module, data: Any) -> Any:
        return Learner(data, model, loss_func=nn.NLLLoss(), metrics=accuracy, wd=DECAY)

    def train(model: nn.Module, data: Any, epochs: int) -> float:
        learn = learner(model, data)
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(epochs, LR)
        return 100 * learn.recorder.values[-1][-1]

    def predict(model: nn.Module, data: Any) -> object:
        learn = learner(model, data)
        with learn.no_bar(), learn.no_logging():
            return learn.get_preds()

    return Contender(load, train, predict)


def with_lightning(workers: int = 2) -> Contender:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self, model: nn.Module):
            super().__init__()
            self.model, self.accuracy = model, 0.0

        def training_step(self, batch, _):
            images, labels = batch
            return F.nll_loss(self.model(images), labels)

        def on_validation_epoch_start(self):
            self.right: list = []

        def validation_step(self, batch, _):
            images, labels = batch
            self.right.append((self.model(images).argmax(1) == labels).float())

        def on_validation_epoch_end(self):
            self.accuracy = 100 * torch.cat(self.right).mean().item()

        def configure_optimizers(self):
            optimizer = optim.AdamW(self.parameters(), lr=LR, weight_decay=DECAY)
            steps = int(self.trainer.estimated_stepping_batches)
            cycle = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LR, total_steps=steps)
            return [optimizer], [{"scheduler": cycle, "interval": "step"}]

    def trainer(epochs: int) -> Any:
        return lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )

    def train(model: nn.Module, data: Loaders, epochs: int) -> float:
        module = Module(model)
        trainer(epochs).fit(module, data.train, data.test)
        return module.accuracy

    def predict(model: nn.Module, data: Loaders) -> object:
        return trainer(1).validate(Module(model), data.test, verbose=False)

    return Contender(lambda folder: loaders_of(image_folder(folder), workers), train, predict)


# --- ours -----------------------------------------------------------------------------------------


def ours() -> Contender:
    from asl.splits import load_asl_data
    from asl.training import predict_log_probs, train_model

    def load(folder: Path) -> tuple[Subset, ...]:
        with contextlib.redirect_stdout(io.StringIO()):
            return load_asl_data(folder, progress=False)

    def train(model: nn.Module, data: tuple[Subset, ...], epochs: int) -> float:
        options = {"progress": False, "device": "cpu"}
        return train_model(model, *data, epochs, **options)["test_accuracies"][-1]  # type: ignore

    def predict(model: nn.Module, data: tuple[Subset, ...]) -> object:
        return predict_log_probs(model, DataLoader(data[1], batch_size=BATCH))

    return Contender(load, train, predict)


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "as asked": lambda: Contender(load_as_asked, train_in_a_loop, predict_in_a_loop, ThreeCalls),
    "ImageFolder, 0 workers": lambda: with_image_folder(0),
    "ImageFolder, 2 workers": lambda: with_image_folder(2),
    "fastai": with_fastai,
    "Lightning": with_lightning,
    "ours": ours,
}


# --- one run --------------------------------------------------------------------------------------


def peak_memory() -> float:
    """Returns the most memory that this process has held so far, in MiB; nan where not known."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if "VmHWM" in line)
    return float("nan")


def work(contender: Contender, folder: Path, epochs: int) -> dict[str, float]:
    """Does all the work, or loads only if there are no epochs.

    Returns:
        Seconds of each part and of "all", accuracies in percent, and the peak of memory above what
        the imports took, in MiB, without that of workers.
    """
    torch.manual_seed(0)
    before = peak_memory()
    start = timer()
    data = contender.load(folder)
    found = {"load": timer() - start}
    accuracies, evaluation = {}, 0.0
    for name, make in (("MLP", create_sequential_model), ("CNN", contender.cnn)):
        if not epochs:
            continue
        model, at = make(), timer()
        accuracies[f"{name}, accuracy"] = contender.train(model, data, epochs)
        found[f"an epoch of the {name}"] = (timer() - at) / epochs
        at = timer()
        for _ in range(2):
            contender.predict(model, data)
        evaluation += timer() - at
    if epochs:
        found["evaluation"] = evaluation
    return found | {"all": timer() - start, **accuracies, "memory": peak_memory() - before}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--epochs", type=int, default=10, help="0 loads only (default: 10)")
    options = parser.parse_args(arguments)
    with contextlib.redirect_stdout(sys.stderr):
        found = work(CONTENDERS[options.contender](), options.data, options.epochs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
