"""Scores of classifiers, with scikit-learn's names, arguments and meaning; NumPy only.

Every function takes lists, arrays and tensors on the CPU.
"""

from .confusion import accuracy_score, balanced_accuracy_score, confusion_matrix
from .curves import auc, precision_recall_curve, roc_curve
from .fscore import f1_score, fbeta_score, precision_recall_fscore_support, precision_score, recall_score
from .likelihood import log_loss
from .ranking import average_precision_score, roc_auc_score, top_k_accuracy_score
from .report import classification_report
from .targets import UndefinedMetricWarning

__all__ = [
    "UndefinedMetricWarning",
    "accuracy_score",
    "auc",
    "average_precision_score",
    "balanced_accuracy_score",
    "classification_report",
    "confusion_matrix",
    "f1_score",
    "fbeta_score",
    "log_loss",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "roc_auc_score",
    "roc_curve",
    "top_k_accuracy_score",
]
