"""Each layer and function, as a graph and back: the same bits in evaluation, in training, and from a file."""

import io

import numpy as np
import pytest
from helpers.graph_cases import CASES, arrays_of, batch_of, made, trained

import minicnn


def reloaded(model, x):
    file = io.BytesIO()
    minicnn.save(model, file, minicnn.tensor(x))
    file.seek(0)
    return minicnn.load(file)


@pytest.mark.parametrize("name", CASES)
def test_saved_and_loaded_it_computes_and_trains_the_same(name):
    model, x = made(name)
    loaded = reloaded(model, x)
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for n in (1, 2, 5):
        given = minicnn.tensor(batch_of(x, n))
        for a, b in zip(arrays_of(model(given)), arrays_of(loaded(given)), strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    for a, b in zip(trained(model, x, 2), trained(loaded, x, 2), strict=True):
        assert np.array_equal(a, b, equal_nan=True)
