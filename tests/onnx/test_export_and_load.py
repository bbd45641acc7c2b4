"""What we export, we load: the same outputs, for every layer and function and any batch."""

import io

import numpy as np
import pytest
from helpers.graph_cases import CASES, arrays_of, batch_of, made

import minicnn

pytest.importorskip("onnx")


@pytest.mark.parametrize("name", CASES)
def test_exported_and_loaded_it_computes_the_same(name):
    from minicnn import onnx

    model, x = made(name)
    file = io.BytesIO()
    onnx.export(model, minicnn.tensor(x), file)
    file.seek(0)
    loaded = onnx.load(file)
    for n in (1, 5):
        given = minicnn.tensor(batch_of(x, n))
        for a, b in zip(arrays_of(model(given)), arrays_of(loaded(given)), strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
