"""Activations: pairs, definitions and PyTorch at random places, at the kinks and far out; in place; and what is refused."""

import numpy as np
import pytest
from helpers.definitions import agree
from helpers.proof import prove
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import errors
from minicnn.functional import activation

torch = pytest.importorskip("torch")

# Each pair with attributes that tell its parts apart, and the kinks that finite differences must not straddle.
PAIRS = [
    ("relu", {}, (0,)), ("leaky_relu", {"negative_slope": 0.1}, (0,)), ("leaky_relu", {"negative_slope": -0.5}, (0,)),
    ("leaky_relu", {"negative_slope": 0.0}, (0,)), ("hardtanh", {"min": -0.7, "max": 1.2}, (-0.7, 1.2)), ("hardsigmoid", {}, (-3, 3)),
    ("hardswish", {}, (-3, 3)), ("elu", {"alpha": 0.6}, (0,)), ("celu", {"alpha": 1.7}, (0,)), ("selu", {}, (0,)), ("silu", {}, ()),
    ("gelu", {}, ()), ("gelu", {"approximate": "tanh"}, ()), ("mish", {}, ()), ("softplus", {}, ()),
    ("softplus", {"beta": 3.0, "threshold": 1.5}, (0.5,)), ("log_sigmoid", {}, ()),
]

# Each function with options that tell its parts apart, and its kinks.
CALLS = [
    ("relu", {}, (0,)), ("relu6", {}, (0, 6)), ("hardtanh", {"min_val": -0.5, "max_val": 2.0}, (-0.5, 2)), ("leaky_relu", {}, (0,)),
    ("leaky_relu", {"negative_slope": -0.2}, (0,)), ("elu", {"alpha": 0.7}, (0,)), ("celu", {"alpha": 1.3}, (0,)), ("selu", {}, (0,)),
    ("gelu", {}, ()), ("gelu", {"approximate": "tanh"}, ()), ("silu", {}, ()), ("mish", {}, ()), ("hardswish", {}, (-3, 3)),
    ("hardsigmoid", {}, (-3, 3)), ("softplus", {}, ()), ("softplus", {"beta": 2, "threshold": 3}, (1.5,)), ("logsigmoid", {}, ()),
    ("softsign", {}, (0,)), ("tanhshrink", {}, ()), ("hardshrink", {}, (-0.5, 0.5)), ("softshrink", {"lambd": 0.3}, (-0.3, 0.3)),
    ("threshold", {"threshold": 0.5, "value": -2}, (0.5,)), ("sigmoid", {}, ()), ("tanh", {}, ()), ("softmax", {"dim": 0}, ()),
    ("log_softmax", {"dim": -1}, ()), ("softmin", {"dim": 0}, ()),
]


def both(name, options):
    return lambda x: getattr(F, name)(x, **options), lambda x: getattr(torch.nn.functional, name)(x, **options)


def off_kinks(x, kinks):
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 1e-3, x + 4e-3, x)
    return x


@pytest.mark.parametrize("name, attributes, kinks", PAIRS)
def test_pairs_agree_with_their_definitions(name, attributes, kinks):
    x = off_kinks(np.random.default_rng(0).standard_normal((2, 3, 4)) * 3, kinks)
    agree(getattr(activation, name), x, **attributes)


@pytest.mark.parametrize("shape, slopes", [((5,), (1,)), ((4, 3), (1, 3)), ((2, 3, 2, 2), (1, 3, 1, 1)), ((2, 3, 2), (1, 1, 1)), ((), ())])
def test_prelu_agrees_with_its_definition(shape, slopes):
    rng = np.random.default_rng(1)
    agree(activation.prelu, off_kinks(np.asarray(rng.standard_normal(shape)), (0,)), np.asarray(rng.uniform(0.1, 0.9, slopes)))


@pytest.mark.parametrize("name, options, kinks", CALLS)
def test_functions_against_everything(name, options, kinks):
    x = off_kinks(np.random.default_rng(2).standard_normal((2, 3, 4, 2)) * 3, kinks)
    prove(*both(name, options), x)


@given(st.data())
def test_functions_on_odd_shapes(data):
    """Empty arrays, 0-d ones, axes of length 1."""
    name, options, kinks = data.draw(st.sampled_from(CALLS))
    shape = tuple(data.draw(st.lists(st.integers(0, 3), max_size=4)))
    x = off_kinks(np.asarray(np.random.default_rng(data.draw(st.integers(0, 99))).standard_normal(shape) * 3), kinks)
    prove(*both(name, options), x, finite=x.size < 9)


FAR = [-1e3, -800, -90, -50, -6, -3, -2.5, -1, -0.5, -0.3, -1e-9, 0, 1e-9, 0.3, 0.5, 1, 1.5, 2, 3, 4.7, 6, 21, 90, 800, 1e3]


@pytest.mark.parametrize("name, options", [call[:2] for call in CALLS] + [("softplus", {"beta": -2.0, "threshold": 3})])
def test_at_the_kinks_and_far_out(name, options):
    """Where a derivative is a choice, it is PyTorch's; where exp would overflow, nothing does."""
    prove(*both(name, options), np.array(FAR), finite=False)


@pytest.mark.parametrize("shape, slopes", [((4, 3), (3,)), ((2, 3, 2, 2), (3,)), ((2, 3, 2, 2), (1,)), ((5,), (1,)), ((4, 3), ()), ((0, 3), (3,)),
                                           ((), ()), ((), (1,))])
def test_prelu_against_everything(shape, slopes):
    rng = np.random.default_rng(5)
    x = off_kinks(np.asarray(rng.standard_normal(shape)), (0,))
    prove(F.prelu, torch.nn.functional.prelu, x, np.asarray(rng.uniform(-1, 1, slopes)))
    prove(F.prelu, torch.nn.functional.prelu, np.zeros(shape), np.asarray(rng.uniform(-1, 1, slopes)), finite=False)


@pytest.mark.parametrize("shape, dim", [((4,), 0), ((2, 3, 4), -1), ((2, 6, 0), 1), ((2, 3, 2, 2), 2)])
def test_glu_against_everything(shape, dim):
    prove(*both("glu", {"dim": dim}), np.random.default_rng(6).standard_normal(shape))


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4), (2, 3, 4, 5), ()])
@pytest.mark.filterwarnings("ignore:Implicit dimension")
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_the_dimension_is_guessed_as_pytorch_does(name, shape):
    x = np.asarray(np.random.default_rng(6).standard_normal(shape))
    with pytest.warns(UserWarning, match="name the dimension"):
        mine = getattr(F, name)(minicnn.Tensor(x))
    np.testing.assert_allclose(mine.array, getattr(torch.nn.functional, name)(torch.from_numpy(x)).numpy())


def test_integers_where_pytorch_takes_them():
    x = minicnn.tensor([-3, 0, 9])
    assert F.relu(x).tolist() == [0, 0, 9] and F.relu6(x).tolist() == [0, 0, 6] and F.threshold(x, 0, 7.9).tolist() == [7, 7, 9]
    assert F.relu6(x).dtype == minicnn.int64


@pytest.mark.parametrize("name, options, kinks", CALLS)
def test_float32_stays_float32(name, options, kinks):
    x = minicnn.randn(3, 4, requires_grad=True)
    y = getattr(F, name)(x, **options)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == minicnn.float32


# In place ----------------------------------------------------------------------------------------------------------------

IN_PLACE = ["relu", "relu6", "hardtanh", "leaky_relu", "elu", "celu", "selu", "silu", "mish", "hardswish", "hardsigmoid"]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_the_tensor_takes_the_result_over(name):
    function, x = getattr(F, name), minicnn.tensor([[-2.0, 0.5], [3.0, -0.1]], requires_grad=True)
    y = x * 2
    assert function(y, inplace=True) is y
    np.testing.assert_array_equal(y.detach().array, function((x * 2).detach()).array)
    y.sum().backward()
    mine, x.grad = x.grad, None
    function(x * 2).sum().backward()
    np.testing.assert_array_equal(mine.array, x.grad.array)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_outside_the_graph_writes_to_the_memory(name):
    memory = np.array([-1.0, 2.0])
    expected = getattr(F, name)(minicnn.tensor(memory)).array
    getattr(F, name)(minicnn.Tensor(memory), inplace=True)
    np.testing.assert_array_equal(memory, expected)


def test_in_place_refuses_a_leaf_and_a_value_that_is_still_needed():
    x = minicnn.tensor([-1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        F.relu(x, inplace=True)
    y = x * 1
    z = y * y
    F.relu(y, inplace=True)
    with pytest.raises(RuntimeError, match="in place"):
        z.sum().backward()


def test_relu_methods():
    t = minicnn.tensor([-1.0, 2.0])
    assert t.relu().tolist() == [0.0, 2.0] and t.relu_() is t and t.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("function", [F.relu, F.relu6, F.leaky_relu])
def test_piecewise_linear_functions_keep_their_output_only(function):
    x = minicnn.randn(3, requires_grad=True) * 1
    y = function(x)
    kept = y.node.saved if isinstance(y.node.saved, tuple) else (y.node.saved,)
    assert y.node.inputs is None and not any(a is x.array for a in kept)


# What is refused ---------------------------------------------------------------------------------------------------------

X = minicnn.tensor([[1.0, 2.0, 3.0]])
REFUSED = [
    (lambda: F.elu(minicnn.tensor([1, 2])), TypeError, "elu: .*int64.*float"),
    (lambda: F.relu(minicnn.tensor([True])), TypeError, "relu: .*bool"),
    (lambda: F.relu([1.0]), TypeError, "relu: .*list"),
    (lambda: F.silu(np.ones(3)), TypeError, "silu: .*ndarray"),
    (lambda: F.hardtanh(X, 1.0, -1.0), ValueError, "min_val"),
    (lambda: F.gelu(X, approximate="erf"), ValueError, "'none' or 'tanh'"),
    (lambda: F.celu(X, alpha=0), ValueError, "alpha"),
    (lambda: F.softshrink(X, -0.1), ValueError, "lambd"),
    (lambda: F.prelu(X, minicnn.ones(2)), RuntimeError, r"\(3,\).*num_parameters=3"),
    (lambda: F.prelu(X, minicnn.ones(1, 3)), RuntimeError, "weight"),
    (lambda: F.prelu(X, minicnn.ones(3).double()), TypeError, "float64"),
    (lambda: F.glu(X, 1), RuntimeError, "even"),
    (lambda: F.softmax(X, 2), IndexError, "dim"),
]


@pytest.mark.parametrize("call, kind, words", REFUSED)
def test_refusals_say_what_was_expected(call, kind, words):
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, errors.Error)
