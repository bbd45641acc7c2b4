"""Training steps timed on each device: what is measured, where the GPU overtakes, and that a simulated GPU has no speed."""

import json

import pytest
from helpers.commands import refused, run

from minicnn import cuda, models
from minicnn.cli.bench import chosen, conclusions, table_of
from minicnn.errors import BadValue, DeviceError
from minicnn.models import devices
from minicnn.models.devices import Timing
from minicnn.plot import devices as draw


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(cuda, "why_not_available", lambda: "CuPy is not installed")
    monkeypatch.setattr(cuda, "is_available", lambda: False)


def timing(batch, device, step, model="lenet5"):
    layers = [{"path": str(i), "kind": kind, "forward": step / 8, "backward": step / 4} for i, kind in enumerate(["Conv2d", "ReLU", "Linear"])]
    return Timing(model, batch, device, 1.0, step, 5, 7.0, layers)


BOTH = [timing(1, "cpu", 0.001), timing(1, "cuda", 0.004), timing(8, "cpu", 0.004), timing(8, "cuda", 0.0041), timing(64, "cpu", 0.05),
        timing(64, "cuda", 0.005), timing(1, "cpu", 0.1, "resnet20"), timing(1, "cuda", 0.2, "resnet20")]


def test_a_timing_on_the_cpu():
    found = devices.measure("lenet5", models.create("lenet5"), (1, 28, 28), 2, "cpu", seconds=0.01, repeat=1)
    assert found.device == "cpu" and found.batch == 2 and found.first > 0 and found.step > 0 and found.steps >= devices.LEAST
    assert found.images_per_second == 2 / found.step and found.memory > 10
    assert {"Conv2d", "Linear", "loss", "SGD update"} <= {layer["kind"] for layer in found.layers}


def test_where_the_gpu_overtakes():
    assert devices.overtaken(BOTH) == {"lenet5": 64, "resnet20": None}
    assert devices.overtaken([timing(1, "cpu", 1.0), timing(1, "cuda", 0.5)]) == {"lenet5": 1}
    assert devices.overtaken([timing(1, "cpu", 1.0)]) == {"lenet5": None}
    assert devices.overtaken([*BOTH, timing(512, "cpu", 0.4)]) == {"lenet5": 64, "resnet20": None}       # too large for the GPU
    assert conclusions(BOTH, ["cpu", "cuda"])[2:] == ["lenet5: the GPU is faster from batch 64 on",
                                                      "resnet20: the GPU is faster at none of these batch sizes"]


def test_the_picture_marks_where():
    figure = draw([t._asdict() for t in BOTH])
    first, layers = figure.get_axes()[:2]
    assert any("GPU faster from" in text.get_text() for text in first.get_legend().get_texts())
    assert [label.get_text() for label in layers.get_yticklabels()] == ["CPU", "GPU"] and len(layers.patches) == 6


def test_layers_are_drawn_for_the_largest_batch_that_both_have():
    figure = draw([t._asdict() for t in [*BOTH[:6], timing(512, "cpu", 0.4)]])
    layers = figure.get_axes()[1]
    assert layers.get_title() == "layer by layer, batch 64" and len(layers.get_yticklabels()) == 2


def test_the_table_has_the_ratio_in_the_gpu_s_rows():
    cells = list(table_of(BOTH[4:6]).columns[6].cells)
    assert cells == ["", "10.00"]


def test_a_simulated_gpu_is_no_device(monkeypatch):
    monkeypatch.setattr(cuda, "why_not_available", lambda: None)
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "get_device_name", lambda device=None: "simulated (no GPU)")
    found, reason = devices.available()
    assert found == ["cpu"] and "simulated on the CPU, and its speed would say nothing" in reason
    with pytest.raises(DeviceError, match="simulated on the CPU"):
        devices.measure("lenet5", models.create("lenet5"), (1, 28, 28), 2, "cuda")
    with pytest.raises(BadValue, match="no usable GPU: what looks like a GPU is simulated"):
        chosen("cuda", found, reason)


def test_bench_without_a_gpu(tmp_path):
    result = run("bench", "lenet5", "--batches", "2,1", "--seconds", 0, "--json", tmp_path / "b.json", "--picture", tmp_path / "b.png")
    assert result.exit_code == 0 and "No GPU is measured: CuPy is not installed" in result.output and "images/s" in result.output
    written = json.loads((tmp_path / "b.json").read_text())
    assert [t["batch"] for t in written["timings"]] == [1, 2] and written["machine"]["gpu"]["why"] == "CuPy is not installed"
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_a_batch_that_does_not_fit_is_named_and_the_others_are_timed(tmp_path, monkeypatch):
    def small(name, model, input_size, batch, device, seconds):
        if batch > 4:
            raise MemoryError("8 bytes")
        return timing(batch, device, 0.1, name)

    monkeypatch.setattr(devices, "measure", small)
    for batches, pictured in (("4,8", True), ("8", False)):
        result = run("bench", "lenet5", "--batches", batches, "--picture", tmp_path / f"{batches}.png")
        assert result.exit_code == 0 and "lenet5, batch 8, cpu: not enough memory\n" in result.output
        assert (tmp_path / f"{batches}.png").exists() == pictured


@pytest.mark.parametrize("words, said", [
    (["--batches", "1,x"], "expected whole numbers of at least 1 with commas between, such as 1,16,64, got '1,x'"),
    (["--batches", "0"], "expected whole numbers of at least 1"), (["--device", "cuda"], "no usable GPU: CuPy is not installed"),
    (["nonet"], "'nonet' is not one of")])
def test_mistakes_are_one_line(words, said):
    assert said in refused("bench", *words)
