"""Whole training steps on "cuda" lead where they lead on the CPU, in both orders of threads."""

import numpy as np
import pytest
from gpu_budget import NETWORKS, batch, trainer

from minicnn import arrays, kernels

pytestmark = pytest.mark.gpu


def trained(network, device, dtype, steps=2):
    """The losses, and all parameters and buffers after some steps, as NumPy arrays."""
    step, model = trainer(network, device, dtype)
    losses = [step(*batch(network, number)).item() for number in range(steps)]
    return losses, {name: arrays.to_numpy(value.array) for name, value in model.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_training_steps(name, order):
    with kernels.using("array"):
        losses, expected = trained(NETWORKS[name], "cpu", "float64")
    found_losses, found = trained(NETWORKS[name], "cuda", "float64")
    np.testing.assert_allclose(found_losses, losses, 1e-9)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, 1e-9, 1e-9 * np.abs(value).max(), err_msg=key)


@pytest.mark.parametrize("name", NETWORKS)
def test_in_float32(name):
    """The loss is the same but for rounding, which the steps behind it enlarge; and nothing becomes float64."""
    with kernels.using("array"):
        losses, expected = trained(NETWORKS[name], "cpu", "float64", steps=1)
    found_losses, found = trained(NETWORKS[name], "cuda", "float32", steps=1)
    np.testing.assert_allclose(found_losses, losses, 1e-5)
    assert all(value.dtype.kind != "f" or value.dtype == np.float32 for value in found.values())
