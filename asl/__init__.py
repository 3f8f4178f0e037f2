"""Recognising American Sign Language hand shapes from images with PyTorch.

Everything in the project's public contract can be imported from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from asl.audit import LabelIssues, audit_dataset, find_label_issues
from asl.augment import augment
from asl.baseline import NearestNeighbour, nearest_neighbour_accuracy
from asl.calibration import (
    Reliability,
    apply_temperature,
    fit_temperature,
    reliability,
    selective_accuracy,
)
from asl.cross_validation import cross_validate
from asl.data import (
    ASLDataset,
    denormalize,
    get_batch,
    normalize,
)
from asl.devices import default_device
from asl.evaluation import (
    accuracy,
    accuracy_within,
    bootstrap_interval,
    confusion_matrix,
    group_accuracy,
    merge_look_alikes,
    per_class_accuracy,
    summarize,
)
from asl.leakage import Leakage, check_leakage
from asl.mobile import ASLMobileNet
from asl.models import ASLNet, ASLResNet, HandFinder, create_sequential_model
from asl.recognizer import Recognizer, Sight
from asl.scores import CrossValidation
from asl.signs import LOOK_ALIKES, MOTION_SIGNS, SHAPE_OF, SHAPES, SIGNS, sign_name
from asl.sources import DatasetError, DatasetNotFoundError, find_dataset
from asl.splits import load_asl_data, make_folds
from asl.stand_in import unpack_stand_in
from asl.training import predict_log_probs, train_model

if TYPE_CHECKING:
    from asl.pictures import (
        plot_augmented,
        plot_gallery,
        plot_people,
        plot_sights,
        plot_signs,
        plot_suspects,
    )
    from asl.plots import (
        compare_per_class_accuracy,
        plot_confusion_matrix,
        plot_protocols,
        plot_reliability,
        plot_signers,
        plot_training_metrics,
        visualize_channel_attention,
        visualize_data_samples,
        visualize_features,
    )

# The figures need matplotlib and seaborn, which take longer to import than all the rest but torch;
# whoever only trains or predicts does not wait for them.
_FIGURES = {
    "pictures": (
        "plot_augmented",
        "plot_gallery",
        "plot_people",
        "plot_sights",
        "plot_signs",
        "plot_suspects",
    ),
    "plots": (
        "compare_per_class_accuracy",
        "plot_confusion_matrix",
        "plot_protocols",
        "plot_reliability",
        "plot_signers",
        "plot_training_metrics",
        "visualize_channel_attention",
        "visualize_data_samples",
        "visualize_features",
    ),
}

__all__ = [
    "LOOK_ALIKES",
    "MOTION_SIGNS",
    "SHAPES",
    "SHAPE_OF",
    "SIGNS",
    "ASLDataset",
    "ASLMobileNet",
    "ASLNet",
    "ASLResNet",
    "CrossValidation",
    "DatasetError",
    "DatasetNotFoundError",
    "HandFinder",
    "LabelIssues",
    "Leakage",
    "NearestNeighbour",
    "Recognizer",
    "Reliability",
    "Sight",
    "accuracy",
    "accuracy_within",
    "apply_temperature",
    "audit_dataset",
    "augment",
    "bootstrap_interval",
    "check_leakage",
    "compare_per_class_accuracy",
    "confusion_matrix",
    "create_sequential_model",
    "cross_validate",
    "default_device",
    "denormalize",
    "find_dataset",
    "find_label_issues",
    "fit_temperature",
    "get_batch",
    "group_accuracy",
    "load_asl_data",
    "make_folds",
    "merge_look_alikes",
    "nearest_neighbour_accuracy",
    "normalize",
    "per_class_accuracy",
    "plot_augmented",
    "plot_confusion_matrix",
    "plot_gallery",
    "plot_people",
    "plot_protocols",
    "plot_reliability",
    "plot_sights",
    "plot_signers",
    "plot_signs",
    "plot_suspects",
    "plot_training_metrics",
    "predict_log_probs",
    "reliability",
    "selective_accuracy",
    "sign_name",
    "summarize",
    "train_model",
    "unpack_stand_in",
    "visualize_channel_attention",
    "visualize_data_samples",
    "visualize_features",
]


def __getattr__(name: str):
    for module, names in _FIGURES.items():
        if name in names:
            return getattr(import_module(f"asl.{module}"), name)
    raise AttributeError(f"module 'asl' has no attribute {name!r}")
