"""Losses: pairs against definitions and PyTorch, every option and reduction, labels that do not count, and what is refused."""

import numpy as np
import pytest
from helpers.definitions import agree
from helpers.proof import prove
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import errors
from minicnn.functional import loss as pairs

torch = pytest.importorskip("torch")
T = torch.nn.functional
REDUCTIONS = ("none", "mean", "sum")


def twin(value):
    """The same array for PyTorch, integers and all."""
    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def against_pytorch(name, *arrays, constants=(), finite=True, **options):
    """F.name(*arrays, *constants, **options) in everything that `prove` compares; gradients for `arrays` alone."""
    mine = {k: minicnn.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    theirs = {k: twin(v) for k, v in options.items()}
    prove(lambda *xs: getattr(F, name)(*xs, *map(minicnn.tensor, constants), **mine),
          lambda *xs: getattr(T, name)(*xs, *map(twin, constants), **theirs), *arrays, finite=finite)


# Pairs against definitions -----------------------------------------------------------------------------------------------


def two(seed, shape=(3, 4), low=0.05, high=0.95):
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, shape), rng.uniform(low, high, shape)


@pytest.mark.parametrize("name, attributes", [
    ("squared_error", {}), ("absolute_error", {}), ("smooth_l1", {"beta": 0.3}), ("huber", {"delta": 0.4}), ("binary_cross_entropy", {}),
    ("kl_divergence", {"log_target": False}), ("kl_divergence", {"log_target": True}), ("softmax_cross_entropy", {}),
    ("negative_log_likelihood", {}),
])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2)])
def test_pairs_agree_with_their_definitions(name, attributes, shape):
    agree(getattr(pairs, name), *two(1, shape), **attributes)


@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy_with_logits_agrees_with_its_definition(weighted):
    x, t = two(2)
    agree(pairs.binary_cross_entropy_with_logits, 6 * x - 3, t, two(3)[0] * 3 if weighted else None)


# Classes -----------------------------------------------------------------------------------------------------------------


@st.composite
def labelled(draw):
    """Scores (N, K, ...) or (K,), labels, and options."""
    classes, extra = draw(st.integers(1, 4)), tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    batch = draw(st.none() | st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shape = (classes,) if batch is None else (batch, classes, *extra)
    options = {"reduction": draw(st.sampled_from(REDUCTIONS))}
    if draw(st.booleans()):
        options["weight"] = rng.uniform(0.1, 2, classes)
    labels = rng.integers(0, classes, () if batch is None else (batch, *extra))
    return rng.standard_normal(shape) * 2, np.asarray(labels), options, rng


@given(labelled(), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([-100, -1, 0, 1]))
def test_cross_entropy_of_class_indices(case, label_smoothing, ignore_index):
    x, labels, options, rng = case
    labels = np.where(rng.random(labels.shape) < 0.3, ignore_index, labels) if ignore_index < 0 else labels
    if options["reduction"] == "mean" and (labels == ignore_index).all():
        return                                          # 0/0: tested by itself below
    against_pytorch("cross_entropy", x, constants=[labels], ignore_index=ignore_index, label_smoothing=label_smoothing, **options)


@given(labelled(), st.sampled_from([0.0, 0.2]))
def test_cross_entropy_of_class_probabilities(case, label_smoothing):
    x, _, options, rng = case
    against_pytorch("cross_entropy", x, rng.uniform(0, 1, x.shape), label_smoothing=label_smoothing, **options)


@given(labelled(), st.sampled_from([-100, 0, 1]))
def test_nll_loss(case, ignore_index):
    x, labels, options, _ = case
    if options["reduction"] == "mean" and (labels == ignore_index).all():
        return
    against_pytorch("nll_loss", x, constants=[labels], ignore_index=ignore_index, **options)


def test_class_weights_get_a_gradient_from_probabilities_and_a_refusal_from_indices():
    x, p = two(4, (3, 4))
    prove(lambda w: F.cross_entropy(minicnn.tensor(x), minicnn.tensor(p), w), lambda w: T.cross_entropy(twin(x), twin(p), w), two(5, (4,))[0])
    with pytest.raises(RuntimeError, match="weights have no gradient"):
        F.cross_entropy(minicnn.tensor(x), minicnn.tensor([0, 1, 2]), minicnn.ones(4, dtype=minicnn.float64, requires_grad=True))


@pytest.mark.parametrize("labels", [[0, 1, 2], [2, -100, 0]])
def test_cross_entropy_of_scores_far_apart(labels):
    """No overflow; a class that cannot be (score -∞) costs nothing unless it is the label."""
    x = np.array([[1e3, -1e3, 0], [-800.0, 800, 700], [0, -np.inf, 50]])
    against_pytorch("cross_entropy", x, constants=[np.array(labels)], finite=False, reduction="none")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_batch_in_which_nothing_counts_is_nan_and_moves_nothing(name):
    x = minicnn.randn(2, 3, requires_grad=True)
    loss = getattr(F, name)(x, minicnn.tensor([-100, -100]))
    loss.backward()
    assert np.isnan(loss.item()) and not x.grad.array.any()
    assert np.isnan(getattr(F, name)(minicnn.zeros(0, 3), minicnn.zeros(0, dtype=minicnn.int64)).item())
    assert getattr(F, name)(minicnn.zeros(0, 3), minicnn.zeros(0, dtype=minicnn.int64), reduction="sum").item() == 0


def test_a_label_that_nobody_checked_makes_its_loss_nan():
    """As on a GPU, where checking would wait: it must not pass for a label that costs nothing."""
    t, counts = pairs.class_targets(np.array([0, 7, -3]), 3, np.dtype("float64"))
    assert np.isnan(t[1:]).all() and np.isnan(counts[1:]).all() and t[0].tolist() == [1, 0, 0]


def test_cross_entropy_is_log_softmax_then_nll():
    x, labels = minicnn.randn(4, 5, 2), minicnn.randint(0, 5, (4, 2))
    np.testing.assert_allclose(F.cross_entropy(x, labels).array, F.nll_loss(F.log_softmax(x, 1), labels).array, rtol=1e-6)


def test_labels_may_be_bytes():
    x = minicnn.randn(2, 3)
    np.testing.assert_array_equal(F.cross_entropy(x, minicnn.tensor([1, 2], dtype=minicnn.uint8)).array,
                                  F.cross_entropy(x, minicnn.tensor([1, 2])).array)


# Distances and probabilities ---------------------------------------------------------------------------------------------

SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@given(SHAPES, st.sampled_from(REDUCTIONS), st.integers(0, 99), st.sampled_from([
    ("mse_loss", {}), ("l1_loss", {}), ("smooth_l1_loss", {}), ("smooth_l1_loss", {"beta": 0.2}), ("smooth_l1_loss", {"beta": 0}),
    ("huber_loss", {}), ("huber_loss", {"delta": 0.3}), ("binary_cross_entropy", {}), ("binary_cross_entropy_with_logits", {}),
    ("kl_div", {}), ("kl_div", {"log_target": True}),
]))
def test_elementwise_losses_against_everything(shape, reduction, seed, function):
    name, options = function
    x, t = map(np.asarray, two(seed, shape))
    if x.size or reduction != "mean":
        against_pytorch(name, x, t, reduction=reduction, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weight_of_each_element(name, reduction):
    x, t = two(6)
    prove(lambda x, t, w: getattr(F, name)(x, t, weight=w, reduction=reduction),
          lambda x, t, w: getattr(T, name)(x, t, weight=w, reduction=reduction), x, t, two(7)[0])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(3, 4), (4,), (1, 4), (3, 1), (1,)])
def test_weights_of_binary_losses_are_broadcast(shape, reduction):
    x, t = two(8)
    w, p = two(9, shape)
    against_pytorch("binary_cross_entropy", x, t, weight=w, reduction=reduction)
    against_pytorch("binary_cross_entropy_with_logits", x * 9 - 4, t, weight=w, pos_weight=p * 3, reduction=reduction)


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 3, 2), ()])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div_by_batch(shape, log_target):
    x, t = map(np.asarray, two(12, shape))
    against_pytorch("kl_div", x, t, reduction="batchmean", log_target=log_target)


def test_kl_div_of_a_class_that_is_not_wanted_is_zero():
    x = np.log([[0.2, 0.5, 0.3]])
    assert F.kl_div(minicnn.tensor(x), minicnn.tensor([[0.0, 1.0, 0.0]], dtype=minicnn.float64), reduction="sum").item() == pytest.approx(np.log(2))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_where_two_pieces_meet(name):
    """Differences of 0 and exactly ±1, the default beta and delta."""
    x = np.array([-2.0, -1, 0, 1, 2])
    against_pytorch(name, x, np.zeros(5), finite=False, reduction="none")


def test_binary_losses_at_certainty():
    """log 0 counts as -100, for the value and for the gradient's divisor; far-out logits do not overflow."""
    x, t = np.array([0.0, 0.0, 1.0, 1.0, 0.5]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    mine, other = minicnn.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = F.binary_cross_entropy(mine, minicnn.tensor(t), reduction="none"), T.binary_cross_entropy(other, twin(t), reduction="none")
    y.sum().backward(), z.sum().backward()
    np.testing.assert_allclose(y.detach().array, z.detach().numpy())
    np.testing.assert_allclose(mine.grad.array, other.grad.numpy())
    against_pytorch("binary_cross_entropy_with_logits", np.array([-1e3, 1e3, -700, 40, 0]), t, finite=False, reduction="none")


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_different_shapes_are_broadcast_with_a_warning(name):
    x, t = minicnn.randn(3, 1, requires_grad=True), minicnn.randn(3, requires_grad=True)
    with pytest.warns(UserWarning, match="squeeze") as caught:
        loss = getattr(F, name)(x, t)
    assert caught[0].filename == __file__
    other = [torch.tensor(v.detach().array, requires_grad=True) for v in (x, t)]
    expected = getattr(T, name)(*other)
    loss.backward(), expected.backward()
    for mine, theirs in zip((loss.detach(), x.grad, t.grad), (expected.detach(), other[0].grad, other[1].grad)):
        np.testing.assert_allclose(mine.array, theirs.numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "kl_div"])
def test_the_mean_of_nothing_is_nan(name):
    assert np.isnan(getattr(F, name)(minicnn.zeros(0, 2), minicnn.zeros(0, 2)).item())


def test_integer_targets_are_promoted():
    assert F.mse_loss(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1, 4])).item() == 2


@pytest.mark.parametrize("flags, reduction", [({"size_average": True}, "mean"), ({"size_average": False}, "sum"), ({"reduce": False}, "none"),
                                              ({"reduce": True, "size_average": False}, "sum"), ({"reduce": True}, "mean")])
def test_the_older_flags(flags, reduction):
    x, labels = minicnn.randn(4, 3), minicnn.tensor([0, 1, 2, 0])
    for call in (lambda **o: F.cross_entropy(x, labels, **o), lambda **o: F.mse_loss(x, x * 0, **o), lambda **o: F.kl_div(x, x * 0 + 1, **o)):
        np.testing.assert_array_equal(call(**flags).array, call(reduction=reduction).array)


# What is refused ---------------------------------------------------------------------------------------------------------

X, LABELS = minicnn.zeros(2, 3), minicnn.tensor([0, 2])
REFUSED = [
    (lambda: F.cross_entropy(X, minicnn.tensor([0, 3])), IndexError, r"label 3 at \(1,\) is outside 0 \.\. 2.*K=3"),
    (lambda: F.cross_entropy(X, minicnn.tensor([-1, 0])), IndexError, r"label -1 at \(0,\)"),
    (lambda: F.nll_loss(X, minicnn.tensor([5, -100])), IndexError, r"label 5"),
    (lambda: F.cross_entropy(X, minicnn.tensor([0, 1, 2])), ValueError, r"\(2,\).*\(N=2, K=3\).*\(3,\)"),
    (lambda: F.cross_entropy(X, minicnn.tensor([[0], [2]])), ValueError, r"expected class indices of shape \(2,\)"),
    (lambda: F.cross_entropy(minicnn.zeros(2, 3, 4, 4), LABELS), ValueError, r"\(2, 4, 4\).*d1=4, d2=4"),
    (lambda: F.cross_entropy(X, minicnn.tensor([0, 2], dtype=minicnn.int32)), TypeError, r"int64, got int32.*long"),
    (lambda: F.cross_entropy(X, minicnn.tensor([0.0, 2.0])), TypeError, "int64, got float32"),
    (lambda: F.cross_entropy(X, minicnn.zeros(2, 3, dtype=minicnn.int64)), TypeError, "probabilities"),
    (lambda: F.cross_entropy(X, minicnn.zeros(2, 3), ignore_index=1), ValueError, "ignore_index"),
    (lambda: F.cross_entropy(X, LABELS, weight=minicnn.ones(2)), ValueError, r"weight \(3,\).*\(2,\)"),
    (lambda: F.cross_entropy(X, LABELS, weight=minicnn.ones(3).double()), TypeError, "float64"),
    (lambda: F.cross_entropy(X, LABELS, label_smoothing=1.5), ValueError, "label_smoothing.*1.5"),
    (lambda: F.cross_entropy(X, LABELS, reduction="batchmean"), ValueError, "'batchmean'.*'mean'"),
    (lambda: F.cross_entropy(X, [0, 2]), TypeError, "list"),
    (lambda: F.cross_entropy(minicnn.zeros(2, 3, dtype=minicnn.int64), LABELS), TypeError, "int64"),
    (lambda: F.cross_entropy(minicnn.tensor(1.0), minicnn.tensor(0)), ValueError, "0-d"),
    (lambda: F.mse_loss(X, minicnn.zeros(2, 4)), RuntimeError, r"\(2, 3\).*\(2, 4\)"),
    (lambda: F.mse_loss(X, X, reduction="abc"), ValueError, "'abc'"),
    (lambda: F.mse_loss(X, X, weight=minicnn.ones(3)), ValueError, "same shape"),
    (lambda: F.mse_loss(LABELS, LABELS), TypeError, "floating point"),
    (lambda: F.mse_loss(X, 1.0), TypeError, "float"),
    (lambda: F.huber_loss(X, X, delta=0), ValueError, "delta"),
    (lambda: F.smooth_l1_loss(X, X, beta=-1), ValueError, "beta"),
    (lambda: F.binary_cross_entropy(X + 2, X), ValueError, "probabilities.*with_logits"),
    (lambda: F.binary_cross_entropy(X, minicnn.zeros(2)), ValueError, "same shape"),
    (lambda: F.binary_cross_entropy_with_logits(X, minicnn.zeros(2, 3, dtype=minicnn.int64)), TypeError, "int64"),
    (lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=minicnn.ones(2)), RuntimeError, "pos_weight"),
    (lambda: F.kl_div(X, X, reduction="max"), ValueError, "'batchmean'"),
]


@pytest.mark.parametrize("call, kind, words", REFUSED)
def test_refusals_say_what_was_expected(call, kind, words):
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, errors.Error)
