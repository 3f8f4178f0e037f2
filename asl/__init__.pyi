# The public names, each with the module that it lives in. `lazy_loader` reads this file when `asl`
# is imported; editors and the type checker read it too.

__version__: str

from .augmentation.hands import augment as augment
from .data import (
    ASLDataset as ASLDataset,
)
from .data import (
    get_batch as get_batch,
)
from .decoding import (
    denormalize as denormalize,
)
from .decoding import (
    normalize as normalize,
)
from .devices import default_device as default_device
from .evaluation.baseline import (
    NearestNeighbour as NearestNeighbour,
)
from .evaluation.baseline import (
    nearest_neighbour_accuracy as nearest_neighbour_accuracy,
)
from .evaluation.calibration import (
    Reliability as Reliability,
)
from .evaluation.calibration import (
    apply_temperature as apply_temperature,
)
from .evaluation.calibration import (
    fit_temperature as fit_temperature,
)
from .evaluation.calibration import (
    reliability as reliability,
)
from .evaluation.calibration import (
    selective_accuracy as selective_accuracy,
)
from .evaluation.cross_validation import cross_validate as cross_validate
from .evaluation.label_audit import (
    LabelIssues as LabelIssues,
)
from .evaluation.label_audit import (
    audit_dataset as audit_dataset,
)
from .evaluation.label_audit import (
    find_label_issues as find_label_issues,
)
from .evaluation.leakage import (
    Leakage as Leakage,
)
from .evaluation.leakage import (
    check_leakage as check_leakage,
)
from .evaluation.metrics import (
    accuracy as accuracy,
)
from .evaluation.metrics import (
    accuracy_within as accuracy_within,
)
from .evaluation.metrics import (
    bootstrap_interval as bootstrap_interval,
)
from .evaluation.metrics import (
    confusion_matrix as confusion_matrix,
)
from .evaluation.metrics import (
    group_accuracy as group_accuracy,
)
from .evaluation.metrics import (
    merge_look_alikes as merge_look_alikes,
)
from .evaluation.metrics import (
    per_class_accuracy as per_class_accuracy,
)
from .evaluation.metrics import (
    summarize as summarize,
)
from .evaluation.report import (
    CrossValidation as CrossValidation,
)
from .evaluation.report import (
    load_results as load_results,
)
from .evaluation.report import (
    score_table as score_table,
)
from .folders import (
    DatasetError as DatasetError,
)
from .folders import (
    DatasetNotFoundError as DatasetNotFoundError,
)
from .live.camera import camera as camera
from .live.upload import upload_photo as upload_photo
from .models import (
    ASLNet as ASLNet,
)
from .models import (
    create_sequential_model as create_sequential_model,
)
from .optimization import TrainingDiverged as TrainingDiverged
from .plots.evaluations import (
    plot_protocols as plot_protocols,
)
from .plots.evaluations import (
    plot_reliability as plot_reliability,
)
from .plots.evaluations import (
    plot_signers as plot_signers,
)
from .plots.images import (
    plot_augmented as plot_augmented,
)
from .plots.images import (
    plot_gallery as plot_gallery,
)
from .plots.images import (
    plot_people as plot_people,
)
from .plots.images import (
    plot_sights as plot_sights,
)
from .plots.images import (
    plot_signs as plot_signs,
)
from .plots.images import (
    plot_suspects as plot_suspects,
)
from .plots.images import (
    visualize_data_samples as visualize_data_samples,
)
from .plots.metrics import (
    compare_per_class_accuracy as compare_per_class_accuracy,
)
from .plots.metrics import (
    plot_confusion_matrix as plot_confusion_matrix,
)
from .plots.metrics import (
    plot_per_class_accuracy as plot_per_class_accuracy,
)
from .plots.metrics import (
    plot_training_metrics as plot_training_metrics,
)
from .plots.networks import (
    visualize_channel_attention as visualize_channel_attention,
)
from .plots.networks import (
    visualize_features as visualize_features,
)
from .processes.joining import joined as joined
from .recognizer.hand_finder import HandFinder as HandFinder
from .recognizer.mobile_net import ASLMobileNet as ASLMobileNet
from .recognizer.networks import (
    ASLResNet as ASLResNet,
)
from .recognizer.recognizer import (
    Recognizer as Recognizer,
)
from .recognizer.recognizer import (
    Sight as Sight,
)
from .recognizer.trained_model import (
    load_model as load_model,
)
from .recognizer.trained_model import (
    predict as predict,
)
from .recognizer.trained_model import (
    save_model as save_model,
)
from .signs import (
    ANSWERS as ANSWERS,
)
from .signs import (
    LOOK_ALIKES as LOOK_ALIKES,
)
from .signs import (
    MOTION_SIGNS as MOTION_SIGNS,
)
from .signs import (
    SHAPE_OF as SHAPE_OF,
)
from .signs import (
    SHAPES as SHAPES,
)
from .signs import (
    SIGNS as SIGNS,
)
from .signs import (
    sign_name as sign_name,
)
from .sources import (
    find_dataset as find_dataset,
)
from .sources import (
    unpack_stand_in as unpack_stand_in,
)
from .splits import (
    load_asl_data as load_asl_data,
)
from .splits import (
    make_folds as make_folds,
)
from .splits import (
    possible_protocols as possible_protocols,
)
from .training import (
    predict_log_probs as predict_log_probs,
)
from .training import (
    train_model as train_model,
)
