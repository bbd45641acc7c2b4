"""Every layer operation on "cuda": values and gradients are NumPy's, in each configuration that its mutants are killed by."""

import pytest
from helpers.devices import LAYERS, compare_layer

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("operation", LAYERS)
def test_values_and_gradients(operation, order):
    compare_layer(operation)
