"""`minicnn profile` and `minicnn warmup`: what they print and write, and one line for mistakes."""

import json

import numpy as np
import pytest
from helpers.commands import run

import minicnn
from minicnn import kernels, models, nn
from minicnn.errors import BadValue
from minicnn.models import Classifier
from minicnn.models.profile import profile


@pytest.mark.parametrize("form", list(kernels.FORMS))
def test_a_named_model(form, tmp_path):
    file = tmp_path / "profile.json"
    result = run("profile", "lenet5", "--batch", 2, "--input", "3x12x12", "--repeat", 1, "--threads", 1, "--kernels", form, "--json", file)
    assert result.exit_code == 0, result.output
    for text in ("lenet5: a training step of 2 images of 3x12x12", f"{form} kernels, 1 threads", "features.0", "Conv2d", "6x12x12",
                 "SGD update", "of the", "images/s", "GF/s"):
        assert text in result.output, text
    written = json.loads(file.read_text())
    assert written["model"] == "lenet5" and written["kernels"] == form and written["input_size"] == [3, 12, 12]
    first = written["rows"][0]
    assert first["path"] == "features.0" and first["output"] == [6, 12, 12] and first["bytes"] == 2 * 6 * 144 * 4
    assert first["forward_operations"] == first["backward_operations"] == 2 * 2 * 6 * 144 * 3 * 25           # no gradient of images
    second = next(row for row in written["rows"] if row["path"] == "features.3")
    assert second["backward_operations"] == 2 * second["forward_operations"] > 0
    assert sum(row["share"] for row in written["rows"]) == pytest.approx(1, abs=1e-3)                       # one step: no medians


def test_the_algorithm_of_each_convolution():
    def algorithms(**chosen):
        with kernels.using(**chosen):
            net = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.Conv2d(32, 40, 5), nn.ReLU())
            return [row.algorithm for row in profile(net, (32, 16, 16), batch=4, repeat=1).rows[:4]]

    if kernels.is_compiled():
        assert algorithms() == ["winograd", "depthwise", "direct", ""]
        assert algorithms(winograd=False) == ["direct", "depthwise", "direct", ""]
    for form in ("im2col", "array"):
        assert algorithms(name=form) == [form, form, form, ""]


def test_models_have_rows_for_all_its_time():
    for name in ("small_cnn", "lenet5", "vgg_small", "resnet20", "resnet110"):
        found = profile(models.create(name), models.registry.usual_input(name), batch=1, repeat=1)
        assert all(row.forward >= 0 and row.backward >= 0 for row in found.rows), name
        assert sum(row.seconds for row in found.rows) == pytest.approx(found.step, rel=1e-3), name


def test_a_saved_model(tmp_path):
    images = np.zeros((4, 1, 12, 12), np.uint8)
    Classifier.for_images("lenet5", images, ["a", "b"], models.style_of(images)).save(tmp_path / "model.mcnn")
    for place in (tmp_path, tmp_path / "model.mcnn"):
        result = run("profile", place, "--batch", 2, "--repeat", 1)
        assert result.exit_code == 0 and "2 images of 1x12x12" in result.output, result.output


@pytest.mark.parametrize("words, message", [
    (["resnet21"], "there is no model, run folder or model file resnet21; the models are small_cnn, lenet5"),
    (["lenet5", "--input", "3x5"], "--input must be channels x height x width"),
    (["lenet5", "--input", "1x4x4"], "does not fit"),
    (["lenet5", "--batch", "0"], "'--batch'"),
    (["lenet5", "--threads", "0"], "'--threads'"),
    (["lenet5", "--kernels", "cuda"], "'cuda' is not one of 'loops', 'array', 'im2col', 'numba'"),
    (["/"], "/ has no model.mcnn"),
    (["/", "--input", "1x28x28"], "--input is for architectures"),
    ([], "Missing argument"),
])
def test_mistakes_are_told_in_one_line(words, message):
    result = run("profile", *words)
    assert result.exit_code == 2 and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, result.output
    assert message in result.stderr
    assert minicnn.get_num_threads() == 1


class Net(nn.Module):
    """A layer in a layer, one that is called twice, and functions between."""

    def __init__(self):
        super().__init__()
        self.conv, self.scale = nn.Conv2d(2, 2, 3, padding=1), nn.Parameter(minicnn.ones(1))
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x):
        return (self.norm(nn.functional.relu(self.conv(self.conv(x)))) * self.scale + x).mean((2, 3))


def test_functions_have_rows_and_the_model_is_left_as_it_was():
    model = Net().eval()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    rows = profile(nn.Sequential(model), (2, 5, 5), batch=3, repeat=2).rows
    assert [(row.path, row.kind) for row in rows] == [
        ("0.conv", "Conv2d"), ("0.conv", "Conv2d"), ("0.norm", "BatchNorm2d"), ("0", "Net"), ("", "loss"), ("", "between the layers"),
        ("", "SGD update")]
    assert not model.training and not model.norm.training and model.conv.weight.grad is None and model.conv._hooks["forward"] == {}
    assert all(minicnn.equal(t, before[name]) for name, t in model.state_dict().items())


def test_arguments_are_checked():
    for options in ({"batch": 0}, {"batch": 1.5}, {"repeat": 0}):
        with pytest.raises(BadValue, match="must be a whole number"):
            profile(models.create("lenet5"), (1, 28, 28), **options)
    with pytest.raises(BadValue, match="no parameters"):
        profile(nn.ReLU(), (1, 28, 28))


def test_warmup_says_what_it_compiled_and_where_it_is():
    pytest.importorskip("numba")
    result = run("warmup", "--verbose")
    assert result.exit_code == 0, result.output
    assert "kernels" in result.output and "correlate" in result.output and f"kept in {kernels.folder()}" in result.output
    assert "0 of them compiled just now" in run("warmup").output


def test_warmup_without_compiled_kernels(monkeypatch):
    monkeypatch.setattr(kernels, "why_not_compiled", lambda: "no Numba")
    result = run("warmup")
    assert result.exit_code == 2 and result.stderr == (
        "Error: there are no compiled kernels to warm up: no Numba; the array kernels are used in their place\n")


def test_train_says_once_that_it_compiles(monkeypatch, tmp_path):
    def compile_two(run, console, quiet, report):
        for name in ("conv", "pool"):
            kernels.compiling.tell(name)
            kernels.compiling.tell(name, 0.1)

    monkeypatch.setattr("minicnn.cli.train.execute", compile_two)
    result = run("train", "--output", tmp_path / "run")
    assert result.output == f"compiling kernels for this CPU, once; kept in {kernels.folder()}\n"
    assert run("train", "--output", tmp_path / "again", "--quiet").output == ""
