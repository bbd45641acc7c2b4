"""Every test of an optimizer runs twice: one parameter after the other, and many at once by a compiled kernel."""

import pytest

from minicnn import kernels


@pytest.fixture(autouse=True, params=["array", "numba"])
def form(request):
    with kernels.using(request.param):
        yield request.param
