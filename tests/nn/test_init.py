"""Initial values: the distributions of PyTorch, drawn from our own stream, and its constants exactly."""

import math

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")
import minicnn  # noqa: E402
from minicnn import nn  # noqa: E402
from minicnn.nn import init  # noqa: E402
from side_by_side import assert_same  # noqa: E402

EXACT = """
I.calculate_gain('linear')
I.calculate_gain('conv2d')
I.calculate_gain('conv_transpose2d')
I.calculate_gain('sigmoid')
I.calculate_gain('tanh')
I.calculate_gain('relu')
I.calculate_gain('selu')
I.calculate_gain('leaky_relu')
I.calculate_gain('leaky_relu', 0.2)
I.calculate_gain('leaky_relu', 1)
I.calculate_gain('leaky_relu', True)
I.calculate_gain('leaky_relu', 'a')
I.calculate_gain('gelu')
I._calculate_fan_in_and_fan_out(T.ones(3, 4, 5, 2))
I._calculate_fan_in_and_fan_out(T.ones(3, 4))
I._calculate_fan_in_and_fan_out(T.ones(3))
I.constant_(T.ones(2, 3), 0.3)
I.constant_(T.tensor([1, 2]), 2.7)
I.ones_(T.zeros(2))
I.zeros_(T.ones(2))
I.eye_(T.ones(2, 3))
I.eye_(T.ones(2))
I.dirac_(T.ones(3, 2, 3))
I.dirac_(T.ones(2, 3, 3, 4))
I.dirac_(T.ones(4, 3, 3, 3), groups=2)
I.dirac_(T.ones(3, 3, 3), groups=2)
I.dirac_(T.ones(3))
I.uniform_(T.ones(3), 2, 1)
I.uniform_(T.ones(3), 2, 2)
I.normal_(T.ones(3), 4, 0)
I.normal_(T.ones(3), 0, -1)
I.xavier_uniform_(T.ones(3))
I.xavier_uniform_(T.ones(3, 0))
I.xavier_normal_(T.ones(3))
I.kaiming_uniform_(T.ones(3))
I.kaiming_uniform_(T.ones(3, 0))
I.kaiming_normal_(T.ones(3, 2), mode='fan')
I.kaiming_normal_(T.ones(3, 2), mode='FAN_IN').shape
I.kaiming_normal_(T.ones(3, 2), nonlinearity='gelu')
I.orthogonal_(T.ones(3))
I.orthogonal_(T.ones(3, 0))
I.trunc_normal_(T.ones(3), 0, 1, 2, -2)
I.trunc_normal_(T.ones(3), 0, 1, 2, 2)
I.kaiming_uniform_(T.nn.Parameter(T.ones(2, 3))).requires_grad
""".strip().splitlines()


@pytest.mark.parametrize("program", EXACT)
def test_as_pytorch(program):
    assert_same(lambda T: eval(program, {"T": T, "I": T.nn.init}))


BIG = (200, 50, 3, 3)
DISTRIBUTIONS = {
    "uniform": (lambda t: init.uniform_(t, -2, 3), stats.uniform(-2, 5)),
    "normal": (lambda t: init.normal_(t, 1, 2), stats.norm(1, 2)),
    "xavier_uniform": (lambda t: init.xavier_uniform_(t, 2), stats.uniform(-2 * math.sqrt(6 / 2250), 4 * math.sqrt(6 / 2250))),
    "xavier_normal": (lambda t: init.xavier_normal_(t, 2), stats.norm(0, 2 * math.sqrt(2 / 2250))),
    "kaiming_uniform": (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"),
                        stats.uniform(-math.sqrt(6 / 450), 2 * math.sqrt(6 / 450))),
    "kaiming_normal": (lambda t: init.kaiming_normal_(t, 0.5, "fan_out"), stats.norm(0, math.sqrt(1.6 / 1800))),
    "trunc_normal": (lambda t: init.trunc_normal_(t, 0.5, 2, -1, 3), stats.truncnorm(-0.75, 1.25, 0.5, 2)),
    "trunc_normal, wide": (lambda t: init.trunc_normal_(t, 0, 0.01), stats.norm(0, 0.01)),
    "trunc_normal, upper tail": (lambda t: init.trunc_normal_(t, 0, 1, 6, 60), stats.truncnorm(6, 60)),
    "trunc_normal, lower tail": (lambda t: init.trunc_normal_(t, 10, 1, -2, 2), stats.truncnorm(-12, -8, 10, 1)),
    "Conv2d": (lambda t: t.data.copy_(nn.Conv2d(50, 200, 3).weight.data), stats.uniform(-1 / math.sqrt(450), 2 / math.sqrt(450))),
    "ConvTranspose2d": (lambda t: t.data.copy_(nn.ConvTranspose2d(200, 50, 3).weight.data),
                        stats.uniform(-1 / math.sqrt(450), 2 / math.sqrt(450))),
    "Linear": (lambda t: t.data.copy_(nn.Linear(450, 200).weight.data.view(BIG)), stats.uniform(-1 / math.sqrt(450), 2 / math.sqrt(450))),
}


@pytest.mark.parametrize("fill, distribution", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_distribution(fill, distribution):
    t = minicnn.empty(*BIG, dtype=minicnn.float64)
    fill(t)
    assert stats.kstest(t.numpy().ravel(), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("layer", [nn.Linear(100, 4000), nn.Conv2d(50, 4000, 2, groups=2), nn.Conv1d(20, 4000, 5)])
def test_bias_is_uniform_within_the_fan_in(layer):
    bound = 1 / math.sqrt(100)
    assert stats.kstest(layer.bias.detach().numpy(),
                        stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3


def test_transposed_bias_uses_pytorchs_fan_in():
    bias = nn.ConvTranspose2d(8, 2000, 2, groups=2).bias.detach().numpy()
    assert 0.95 / math.sqrt(4000) < abs(bias).max() <= 1 / math.sqrt(4000)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 3, 2, 2)])
def test_orthogonal(shape):
    q = init.orthogonal_(minicnn.empty(*shape, dtype=minicnn.float64), gain=3).numpy().reshape(shape[0], -1) / 3
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_is_uniform_over_rotations():
    angles = [math.atan2(*init.orthogonal_(minicnn.empty(2, 2, dtype=minicnn.float64)).numpy()[:, 0]) for _ in range(500)]
    assert stats.kstest(angles, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-3


def test_the_seed_decides_and_a_generator_has_its_own_stream():
    def draw(generator=None):
        return init.normal_(minicnn.empty(4), generator=generator).tolist()

    minicnn.manual_seed(3)
    first = draw()
    minicnn.manual_seed(3)
    assert draw(minicnn.Generator().manual_seed(9)) == draw(minicnn.Generator().manual_seed(9)) != first
    assert draw() == first


def test_integers_and_what_is_no_tensor_are_refused():
    with pytest.raises(TypeError, match="expected a Tensor"):
        init.ones_(3)
    for fill in (init.uniform_, init.normal_, init.trunc_normal_):
        with pytest.raises(TypeError, match="floating"):
            fill(minicnn.tensor([1, 2]))


def test_layers_repeat_with_the_seed():
    def layer():
        minicnn.manual_seed(5)
        return nn.Conv2d(3, 4, 3).weight.tolist()

    assert layer() == layer()
