"""Timing on "cuda": what `minicnn bench` and `minicnn doctor` ask of a GPU works on the simulated one, which has no speed to tell."""

import pytest

from minicnn import cuda, nn
from minicnn.cli import doctor
from minicnn.models import devices
from minicnn.models.profile import profile

pytestmark = pytest.mark.gpu


def small():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def test_a_timing_on_the_gpu(monkeypatch):
    """Events in the stream time the steps; the memory is that of arrays on the GPU."""
    monkeypatch.setattr(cuda, "is_simulated", lambda: False)
    found = devices.measure("small", small(), (1, 6, 6), 4, "cuda", seconds=0, repeat=1)
    assert found.device == "cuda" and found.steps == devices.LEAST and found.step > 0 and found.first > 0
    assert {"Conv2d", "Linear", "loss", "SGD update"} <= {layer["kind"] for layer in found.layers}
    assert devices.available() == (["cpu", "cuda"], None)


def test_the_memory_of_a_timing(monkeypatch):
    monkeypatch.setattr(cuda, "max_memory_allocated", lambda: 12 * 10**6)
    monkeypatch.setattr(cuda, "is_simulated", lambda: False)
    assert devices.measure("small", small(), (1, 6, 6), 4, "cuda", seconds=0, repeat=1).memory == 12


def test_a_batch_that_the_gpu_has_no_memory_for(monkeypatch):
    from cupy.cuda.memory import OutOfMemoryError

    def full(*_):
        raise OutOfMemoryError(1 << 40, 1 << 30, 0)

    monkeypatch.setattr(devices, "measure", full)
    assert devices.measure_if_it_fits("small", small(), (1, 6, 6), 4, "cuda") is None


def test_a_profile_on_the_gpu():
    found = profile(small().cuda(), (1, 6, 6), batch=4, repeat=1)
    assert found.device == "cuda:0" and found.peak is None and all(row.seconds > 0 for row in found.rows if row.kind == "Conv2d")


def test_doctor():
    facts = doctor.about_gpu()
    assert facts["name"] == cuda.get_device_name() and "GB free" in facts["memory"] and "the driver is for " in facts["CUDA"]
