"""Scores of classifiers, with scikit-learn's names, arguments and meaning; NumPy only.

Every function takes lists, arrays and tensors on the CPU.
"""

from .agreement import cohen_kappa_score, hamming_loss, matthews_corrcoef, zero_one_loss
from .bootstrap import Interval, bootstrap_interval
from .calibration import Reliability, brier_score_loss, calibration_curve, expected_calibration_error, reliability
from .confusion import accuracy_score, balanced_accuracy_score, confusion_matrix
from .curves import auc, precision_recall_curve, roc_curve
from .decision import McNemar, Threshold, choose_threshold, mcnemar_test
from .fscore import f1_score, fbeta_score, jaccard_score, precision_recall_fscore_support, precision_score, recall_score
from .likelihood import log_loss
from .ranking import average_precision_score, roc_auc_score, top_k_accuracy_score
from .report import classification_report
from .targets import UndefinedMetricWarning

__all__ = [
    "Interval",
    "McNemar",
    "Reliability",
    "Threshold",
    "UndefinedMetricWarning",
    "accuracy_score",
    "auc",
    "average_precision_score",
    "balanced_accuracy_score",
    "bootstrap_interval",
    "brier_score_loss",
    "calibration_curve",
    "choose_threshold",
    "classification_report",
    "cohen_kappa_score",
    "confusion_matrix",
    "expected_calibration_error",
    "f1_score",
    "fbeta_score",
    "hamming_loss",
    "jaccard_score",
    "log_loss",
    "matthews_corrcoef",
    "mcnemar_test",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "reliability",
    "roc_auc_score",
    "roc_curve",
    "top_k_accuracy_score",
    "zero_one_loss",
]
