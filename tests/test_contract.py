"""The names, argument orders and return values that code written for the user's notebook needs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

import asl

ROOT = Path(__file__).parent.parent


def test_the_users_notebook_from_top_to_bottom(write_images, capsys):
    data_dir = str(write_images())
    train_data, test_data = asl.load_asl_data(data_dir, 0.75)
    assert isinstance(train_data, Subset) and isinstance(test_data, Subset)
    assert train_data.dataset is test_data.dataset
    train_loader = DataLoader(train_data, batch_size=12, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=64)
    asl.visualize_data_samples(train_loader, train_data)

    sequential_model = asl.create_sequential_model()
    sequential_metrics = asl.train_model(
        sequential_model, train_data, test_data, epochs=1, model_name="Sequential"
    )
    module_model = asl.ASLNet()
    module_metrics = asl.train_model(module_model, train_data, test_data, 2, "nn.Module")
    names = {"train_losses", "test_losses", "test_accuracies", "learning_rates", "epoch_times"}
    assert set(module_metrics) == names
    assert {len(values) for values in module_metrics.values()} == {2}
    assert 0 <= max(module_metrics["test_accuracies"]) <= 100

    asl.plot_training_metrics(sequential_metrics, module_metrics)
    asl.plot_confusion_matrix(module_model, test_loader, test_data, 36, model_name="nn.Module")
    accuracies = asl.compare_per_class_accuracy(sequential_model, module_model, test_loader)
    assert all(isinstance(a, np.ndarray) and a.shape == (36,) for a in accuracies)
    weights = asl.visualize_channel_attention(module_model, test_loader)
    assert weights.shape == (45, 3)
    asl.visualize_features(module_model, test_loader)


def test_the_users_dataset_class(write_images):
    transform = transforms.Compose([transforms.Resize((28, 28)), transforms.ToTensor()])
    dataset = asl.ASLDataset(str(write_images()), transform)
    assert len(dataset) == len(dataset.image_files) == len(dataset.labels) == 180
    assert dataset.label_to_idx == {sign: i for i, sign in enumerate(asl.SIGNS)}
    image, label = dataset[100]
    assert image.shape == (3, 28, 28) and type(label) is int
    assert dataset.get_label_name(label) == "k"
    parts = torch.utils.data.random_split(dataset, [150, 30])
    images, labels = next(iter(DataLoader(parts[1], batch_size=30)))
    assert images.shape == (30, 3, 28, 28) and labels.shape == (30,)


def test_the_code_of_the_page_about_your_own_images_runs(write_images, tmp_path, monkeypatch):
    folder = write_images(bursts=2, folder=tmp_path / "my_images")
    for path in folder.rglob("*.png"):
        person = {"1": "Ada", "2": "Bo"}[path.name[4]]
        path.rename(path.with_name(f"{person}_{path.stem[-9]}.png"))
    Image.new("RGB", (40, 40)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    train_model = asl.train_model
    quick = {"epochs": 1, "progress": False}
    monkeypatch.setattr(asl, "train_model", lambda *a, **o: train_model(*a, **o | quick))
    page = (ROOT / "docs" / "your_own.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block.replace("epochs=10", "epochs=1"), names)
    assert len(names["train_data"]) == 288 and names["result"].protocol == "signer"


CONTRACT = {
    "ASLDataset",
    "ASLNet",
    "compare_per_class_accuracy",
    "create_sequential_model",
    "load_asl_data",
    "plot_confusion_matrix",
    "plot_training_metrics",
    "train_model",
    "visualize_channel_attention",
    "visualize_data_samples",
    "visualize_features",
}


def test_every_public_name_exists_and_means_one_thing():
    assert CONTRACT <= set(asl.__all__) <= set(dir(asl))
    for name in asl.__all__:
        assert getattr(asl, name) is not None
    assert not hasattr(asl, "no_such_name")
    stub = ast.parse((ROOT / "asl" / "__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    names = [(alias.name, alias.asname) for node in imports for alias in node.names]
    assert all(name == public for name, public in names)  # what a type checker takes for public
    assert sorted(asl.__all__) == sorted(name for name, _ in names)
    places = {path.name.removesuffix(".py") for path in (ROOT / "asl").iterdir()}
    assert not places & set(asl.__all__)


def exists(name):
    """Tells whether `asl.…` names something, without importing modules that need extras."""
    path, parts = ROOT / "asl", name.split(".")[1:]
    if parts[0] in asl.__all__:
        value = getattr(asl, parts[0])
        return all(hasattr(value, part) for part in parts[1:]) and len(parts) <= 2
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if not parts:
        return True
    module = path / f"{parts[0]}.py"
    if not module.is_file() or len(parts) > 2:
        return False
    defined = rf"^(?:def |class )?{parts[-1]}\b"
    return len(parts) == 1 or re.search(defined, module.read_text(), re.MULTILINE) is not None


def test_every_name_that_the_texts_cite_exists():
    assert exists("asl.augment") and not exists("asl.augment.augment")
    assert exists("asl.decoding.open_rgb") and not exists("asl.data.open_rgb")
    texts = [ROOT / "README.md", ROOT / "asl_recognition.ipynb"]
    for folder, pattern in (("asl", "*.py"), ("docs", "*.md"), ("asl_dataset", "README.md")):
        texts += sorted((ROOT / folder).rglob(pattern))
    wrong = [
        (text.relative_to(ROOT).as_posix(), name)
        for text in texts
        for name in re.findall(r"`(asl(?:\.\w+)+)[`(]", text.read_text(encoding="utf-8"))
        if not exists(name)
    ]
    assert not wrong


def run(code):
    """Runs code in a fresh interpreter; returns what it printed, and nothing may be a warning."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return run.stdout


def test_import_is_silent_and_draws_nothing_in():
    code = (
        "import sys, torch; state = torch.get_rng_state(); import asl; "
        "assert torch.equal(torch.get_rng_state(), state); "
        "print([m for m in sys.modules if m.startswith('asl.')])"
    )
    assert run(code) == "[]\n"
    assert run("import sys, asl; print('torch' in sys.modules)") == "False\n"


def test_using_a_recogniser_imports_neither_figures_nor_training():
    code = (
        "import sys; from PIL import Image; from asl import Recognizer; "
        "Recognizer.load()(Image.new('RGB', (64, 64))); print(*sys.modules)"
    )
    loaded = set(run(code).split())
    assert "asl.recognizer.recognizer" in loaded
    for unwanted in (
        "asl.augmentation",
        "asl.commands",
        "asl.plots",
        "asl.rendering",
        "asl.training",
        "matplotlib",
        "pandas",
        "seaborn",
        "sympy",  # with torch's compiler, which takes as long to import as half of torch
        "torch._dynamo",
    ):
        assert unwanted not in loaded
