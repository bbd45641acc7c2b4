"""What the metrics take besides arrays and lists, and that they stay as quick as a training loop needs."""

import numpy as np
import pytest

import minicnn
from minicnn import metrics


def test_tensors_are_taken():
    y_true, y_pred = minicnn.tensor([0, 1, 2, 2]), minicnn.tensor([0, 1, 1, 2])
    assert metrics.accuracy_score(y_true, y_pred) == 0.75
    assert metrics.confusion_matrix(y_true, y_pred).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    proba = minicnn.softmax(minicnn.eye(3)[y_true] * 4, 1)
    assert metrics.log_loss(y_true, proba) == pytest.approx(np.log1p(2 * np.exp(-4)), rel=1e-6)
    assert metrics.top_k_accuracy_score(y_true, proba, k=1) == 1
    assert metrics.roc_auc_score(y_true, proba, multi_class="ovr") == 1


def test_a_tensor_with_a_gradient_is_refused_with_the_mend():
    logits = minicnn.zeros(2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        metrics.log_loss([0, 1], logits)


def test_sparse_indicators_are_taken():
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[1, 0], [0, 1], [1, 1]])
    assert metrics.f1_score(sparse.csr_array(dense), sparse.csr_array(dense), average="micro") == 1


def test_warnings_can_be_told_apart():
    with pytest.warns(metrics.UndefinedMetricWarning, match="zero_division"):
        metrics.precision_score([0, 1], [0, 0])
    assert issubclass(metrics.UndefinedMetricWarning, UserWarning)


def test_a_large_confusion_matrix_is_counted_exactly():
    y_true = np.repeat(np.arange(10), 10_000)
    matrix = metrics.confusion_matrix(y_true, np.roll(y_true, 5_000))
    assert matrix.sum() == 100_000 and (np.diagonal(matrix) == 5_000).all()
