"""Pinned memory without a GPU: a warning, or an error that says why, and the same batches."""

import pytest

import minicnn
from minicnn import arrays
from minicnn.data import DataLoader
from minicnn.data.transfer import on_device
from minicnn.errors import DeviceError


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(arrays, "why_no_gpu", lambda: "CuPy is not installed")


def test_a_loader_warns_and_goes_on():
    loader = DataLoader([minicnn.ones(2), minicnn.zeros(2)], 2, pin_memory=True)
    with pytest.warns(UserWarning, match="pin_memory=True has no effect: CuPy is not installed"):
        (batch,) = loader
    assert batch.tolist() == [[1, 1], [0, 0]] and not batch.is_pinned()


def test_a_tensor_says_why_not():
    t = minicnn.ones(2)
    assert not t.is_pinned() and t.to("cpu", non_blocking=True) is t
    with pytest.raises(DeviceError, match="no usable GPU: CuPy is not installed"):
        t.pin_memory()


def test_on_the_cpu_batches_stay_as_they_are():
    batches = [minicnn.ones(2)]
    assert on_device(batches, "cpu") is batches
