"""Hyper-parameters and operands that make no sense are refused where they are used, by a sentence that names them."""

import numpy as np
import pytest

import minicnn
from minicnn import errors, nn
from minicnn.nn import functional as F

NAN, INF = float("nan"), float("inf")
X = minicnn.tensor(np.arange(96, dtype=np.float32).reshape(2, 3, 4, 4) / 10)


@pytest.mark.parametrize("layer", [
    nn.BatchNorm2d(3, eps=NAN), nn.BatchNorm2d(3, eps=INF), nn.BatchNorm2d(3, eps=-1), nn.BatchNorm2d(3, momentum=NAN),
    nn.BatchNorm2d(3, eps=0), nn.LayerNorm(4, eps=NAN), nn.GroupNorm(1, 3, eps=NAN), nn.InstanceNorm2d(3, eps=NAN),
    nn.LocalResponseNorm(2, alpha=NAN), nn.LocalResponseNorm(2, beta=INF), nn.LocalResponseNorm(2, k=NAN),
    nn.LeakyReLU(NAN), nn.ELU(INF), nn.Softplus(beta=0), nn.Softplus(beta=NAN), nn.Softplus(threshold=NAN),
], ids=str)
def test_numbers_that_are_none_are_refused_by_layers(layer):
    with pytest.raises(errors.BadValue, match="must"):
        layer(X)


@pytest.mark.parametrize("call", [
    lambda: nn.BatchNorm2d(3, eps="a")(X), lambda: nn.BatchNorm2d(3, momentum="a")(X), lambda: nn.LeakyReLU("0.1")(X),
    lambda: nn.Dropout(None), lambda: nn.Dropout("a"), lambda: F.dropout(X, None), lambda: F.softplus(X, "a"),
    lambda: F.elu(X, 10**400), lambda: F.cross_entropy(X, X, label_smoothing="a"),
])
def test_what_is_no_number_is_refused(call):
    with pytest.raises(errors.BadType, match="must be a number"):
        call()


@pytest.mark.parametrize("call", [
    lambda: F.smooth_l1_loss(X, X, beta=NAN), lambda: F.smooth_l1_loss(X, X, beta=-1), lambda: F.huber_loss(X, X, delta=NAN),
    lambda: F.huber_loss(X, X, delta=0), lambda: F.cross_entropy(X, X, label_smoothing=NAN), lambda: F.dropout(X, NAN),
    lambda: F.normalize(X, eps=NAN), lambda: F.hardtanh(X, 0, NAN), lambda: nn.Dropout2d(NAN), lambda: nn.Dropout(1.1),
])
def test_numbers_out_of_range_are_refused_by_functions(call):
    with pytest.raises(errors.BadValue, match="must be"):
        call()


@pytest.mark.parametrize("call", [
    lambda: F.conv2d(X, None), lambda: F.linear(X, None), lambda: F.one_hot([1]), lambda: F.dropout("a"), lambda: F.dropout2d("a"),
    lambda: F.binary_cross_entropy_with_logits(X, None), lambda: F.batch_norm(X, "a", None),
    lambda: nn.utils.clip_grad_norm_(3, 1),
])
def test_what_is_no_tensor_is_refused(call):
    with pytest.raises(errors.BadType, match="expected"):
        call()


@pytest.mark.parametrize("function", [F.kl_div, F.cosine_similarity])
def test_shapes_that_do_not_fit_together(function):
    with pytest.raises(errors.ShapeError, match=r"\(2, 3\) and \(3, 2\) do not fit together"):
        function(minicnn.ones(2, 3), minicnn.ones(3, 2))


def test_a_tensor_of_one_element_is_a_number():
    assert (F.leaky_relu(-X, minicnn.tensor(0.5)) == X * -0.5).all()
