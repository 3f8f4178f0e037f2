"""Recognising American Sign Language hand shapes from images with PyTorch.

Everything in the project's public contract can be imported from here.
"""

from typing import TYPE_CHECKING

from asl.data import (
    ASLDataset,
    DatasetError,
    DatasetNotFoundError,
    denormalize,
    find_dataset,
    get_batch,
    normalize,
)
from asl.evaluation import (
    accuracy,
    confusion_matrix,
    nearest_neighbour_accuracy,
    per_class_accuracy,
    summarize,
)
from asl.models import ASLNet, create_sequential_model
from asl.signs import LOOK_ALIKES, MOTION_SIGNS, SIGNS, sign_name
from asl.splits import Leakage, check_leakage, load_asl_data
from asl.training import default_device, predict_log_probs, train_model

if TYPE_CHECKING:
    from asl.plots import (
        compare_per_class_accuracy,
        plot_confusion_matrix,
        plot_training_metrics,
        visualize_channel_attention,
        visualize_data_samples,
        visualize_features,
    )

# The figures need matplotlib and seaborn, which take longer to import than all the rest but torch;
# whoever only trains or predicts does not wait for them.
_FIGURES = (
    "compare_per_class_accuracy",
    "plot_confusion_matrix",
    "plot_training_metrics",
    "visualize_channel_attention",
    "visualize_data_samples",
    "visualize_features",
)

__all__ = [
    "LOOK_ALIKES",
    "MOTION_SIGNS",
    "SIGNS",
    "ASLDataset",
    "ASLNet",
    "DatasetError",
    "DatasetNotFoundError",
    "Leakage",
    "accuracy",
    "check_leakage",
    "compare_per_class_accuracy",
    "confusion_matrix",
    "create_sequential_model",
    "default_device",
    "denormalize",
    "find_dataset",
    "get_batch",
    "load_asl_data",
    "nearest_neighbour_accuracy",
    "normalize",
    "per_class_accuracy",
    "plot_confusion_matrix",
    "plot_training_metrics",
    "predict_log_probs",
    "sign_name",
    "summarize",
    "train_model",
    "visualize_channel_attention",
    "visualize_data_samples",
    "visualize_features",
]


def __getattr__(name: str):
    if name in _FIGURES:
        from asl import plots

        return getattr(plots, name)
    raise AttributeError(f"module 'asl' has no attribute {name!r}")
