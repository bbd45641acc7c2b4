"""The benchmarks run, with tiny settings: every script gives its table, its JSON and its picture, and the report reads them."""

import importlib
import json
from argparse import Namespace
from pathlib import Path

import numba  # noqa: F401 (loaded here, so that no script sets its number of threads for the tests after it)
import numpy as np
import pytest

from minicnn import get_num_threads, set_num_threads

FOLDER = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = ["training_step", "inference", "layers", "conv_ladder", "overhead", "fashion_mnist", "peak", "fresh_process", "report",
           "cpu_vs_gpu"]
QUICK = ["--seconds", "0.001", "--threads", "1"]


@pytest.fixture
def script(monkeypatch):
    """A function that imports one of the scripts; the number of threads is put back after the test."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(importlib.import_module("common"), "TURN_SECONDS", 1e-4)
    before = get_num_threads()
    yield importlib.import_module
    set_num_threads(before)


def run(module, folder, *arguments):
    """The content of the JSON file that a script writes; its picture is there, too."""
    module.main([*arguments, "--json", str(folder / "found.json"), "--picture", str(folder / "found.png")])
    assert (folder / "found.png").read_bytes().startswith(b"\x89PNG")
    content = json.loads((folder / "found.json").read_text())
    assert {"cpu", "cores", "vectors", "versions", "date"} <= set(content["machine"])
    for row in content["rows"]:
        empty = {column["key"] for column in content["columns"] if row.get(column["key"]) is None}
        assert empty <= {"scaled"} | ({"ratio"} if "nothing" in arguments else set()), row
    return content


def test_training_step(script, tmp_path, capsys):
    content = run(script("training_step"), tmp_path, "--networks", "lenet5", "mlp", "--batch", "2", "1", "--kernels", "array", *QUICK)
    assert len(content["rows"]) == 2 * 2 * 3
    assert max(row["difference"] for row in content["rows"]) < 1e-3
    assert min(row["ratio"] for row in content["rows"] if row["contender"].startswith("PyTorch")) == 1
    script("report").main([str(tmp_path / "found.json"), "--where", "contender=minicnn array", "--columns", "network", "ratio"])
    assert capsys.readouterr().out.count("| lenet5 |") == 2


def test_inference(script, tmp_path):
    content = run(script("training_step"), tmp_path, "--networks", "lenet5", "--batch", "1", "--mode", "infer", "--kernels", "array", *QUICK)
    assert len(content["rows"]) == 3


def test_compiled_for_inference(script, tmp_path):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    content = run(script("inference"), tmp_path, "--networks", "lenet5", "mlp", "--batch", "2", *QUICK)
    assert [row["contender"] for row in content["rows"][:3]] == ["minicnn compiled", "minicnn", "PyTorch NCHW"]
    assert len(content["rows"]) == 2 * 5 and all((row["ratio"] == 1) == (row["contender"] == "minicnn compiled") for row in content["rows"])
    assert max(row["difference"] for row in content["rows"]) < 1e-4


def test_memory(script, tmp_path):
    content = run(script("training_step"), tmp_path, "--memory", "--against", "nothing", "--networks", "mlp", "--batch", "1", "--kernels",
                  "array", "--threads", "1", "--steps", "1")
    assert 10 < content["rows"][0]["import_mb"] < content["rows"][0]["peak_mb"]


def test_networks_that_compute_something_else_are_refused(script):
    check = script("training_step").check_first_steps
    assert check({"one": lambda: np.ones(3), "two": lambda: np.ones(3) + 1e-5}, "here")["two"] == pytest.approx(1e-5)
    with pytest.raises(SystemExit, match="here: two computes something else"):
        check({"one": lambda: np.ones(3), "two": lambda: np.float32([1, 1, 1.1])}, "here")
    with pytest.raises(SystemExit, match="nan"):
        check({"one": lambda: np.ones(3), "two": lambda: np.full(3, np.nan)}, "here")


@pytest.mark.parametrize("name", ["lenet5", "vgg_small", "resnet20", "small_cnn", "alexnet", "googlenet_block", "vgg11", "mlp"])
def test_networks_are_the_same_in_both_libraries(script, name):
    """Same names and shapes of weights, same logits."""
    steps = script("contenders").contenders(name, 2, "infer", ["array"], with_torch=True)
    logits = [step() for step in steps.values()]
    assert len(logits) == 3 and logits[0].shape == (2, 10)
    for other in logits[1:]:
        np.testing.assert_allclose(other, logits[0], rtol=1e-4, atol=1e-5)


def test_layers(script, tmp_path):
    content = run(script("layers"), tmp_path, "--only", "3x3 depthwise", "5x5 first layer", "--batch", "1", *QUICK)
    assert {row["pass"] for row in content["rows"]} == {"y", "dx", "dw"}
    assert {"direct", "array", "PyTorch NCHW"} <= {row["contender"] for row in content["rows"]}


def test_every_layer_is_the_same_convolution_in_both_libraries(script):
    layers = script("layers")
    for layer in layers.LAYERS:
        case = layers.Case(layer, 1)
        for which, place in (("y", None), ("dx", 0), ("dw", 1)):
            ours, theirs = case.ours(which, "array")(), case.torch(which, "channels_last")()
            theirs = (theirs if place is None else theirs[place]).numpy()
            assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max(), (layer.name, which)


@pytest.mark.parametrize("which", ["y", "dx", "dw"])
def test_conv_ladder(script, tmp_path, which):
    content = run(script("conv_ladder"), tmp_path, "--batch", "2", "--channels", "3", "--size", "4", "--pass", which, *QUICK)
    assert [row["algorithm"] for row in content["rows"]][:2] == ["loops", "array"]
    assert content["rows"][0]["scaled"] == "x2"
    assert max(row["error"] for row in content["rows"]) < 2e-5


def test_overhead(script, tmp_path, monkeypatch):
    """The processes of their own, which take long, are in `test_memory` and `test_fresh_process`."""
    asked = []
    monkeypatch.setattr(script("overhead"), "in_fresh_process",
                        lambda *arguments, **environment: asked.append(environment) or {"first_step_s": 1.0, "import_s": 2.0})
    content = run(script("overhead"), tmp_path, "--rounds", "1", "--processes", "1", "--kernels", "array", "--threads", "1")
    found = {row["what"]: row for row in content["rows"]}
    assert found["add, forward and backward"]["ratio"] > 0 and found["import, on top of NumPy"]["minicnn"] > 1
    assert found["import and first step, cold"]["minicnn"] == 3000
    assert asked[0]["NUMBA_CACHE_DIR"] == asked[1]["NUMBA_CACHE_DIR"] and "NUMBA_CACHE_DIR" not in asked[2]


def test_fresh_process(script):
    """What it does, in this process."""
    chosen = Namespace(library="PyTorch NCHW", network="small_cnn", batch=2, mode="train", kernels="array", steps=2, threads=1)
    found = script("fresh_process").run(chosen)
    assert set(found) == {"import_s", "import_mb", "first_step_s", "peak_mb"} and found["peak_mb"] > 50


def test_fashion_mnist(script, tmp_path):
    """On the digits, which need no download."""
    content = run(script("fashion_mnist"), tmp_path, "--dataset", "digits", "--epochs", "1", "--kernels", "array", "--threads", "1")
    assert all(row["test"] > 0.3 for row in content["rows"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_shows_an_example(script, name):
    assert f"\n    python benchmarks/{name}.py" in script(name).__doc__


def test_avx2_starts_the_script_again(script, monkeypatch):
    """Once: in the environment that was asked for, it goes on."""
    common, started = script("common"), []
    monkeypatch.setattr(common.os, "execve", lambda program, arguments, environment: started.append(environment))
    settings = common.avx2_settings()
    assert settings["ONEDNN_MAX_CPU_ISA"] == "AVX2" and "+avx2" in settings["NUMBA_CPU_FEATURES"]
    common.start_again_with(settings)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    common.start_again_with(settings)
    assert len(started) == 1 and settings.items() <= started[0].items()


def test_cpu_vs_gpu(script, tmp_path, capsys, monkeypatch):
    """On a machine without a GPU it says so, and times the CPU."""
    module = script("cpu_vs_gpu")
    monkeypatch.setattr(module.devices.cuda, "why_not_available", lambda: "CuPy is not installed")
    module.main(["--networks", "lenet5", "--batch", "2", "1", "--json", str(tmp_path / "g.json"), "--picture", str(tmp_path / "g.png"), *QUICK])
    rows = json.loads((tmp_path / "g.json").read_text())["rows"]
    assert [row["batch"] for row in rows] == [1, 2] and rows[0]["step_ms"] > 0 and rows[0]["layers"][0]["kind"] == "Conv2d"
    assert "No GPU is measured: CuPy is not installed" in capsys.readouterr().out and (tmp_path / "g.png").stat().st_size > 1000


@pytest.mark.parametrize("name, option", [("training_step", "--batch"), ("training_step", "--threads"), ("training_step", "--steps"),
                                          ("conv_ladder", "--channels"), ("layers", "--batch"), ("fashion_mnist", "--epochs"),
                                          ("inference", "--batch"), ("cpu_vs_gpu", "--batch"), ("overhead", "--rounds")])
@pytest.mark.parametrize("value", ["0", "-1", "2.5", "many"])
def test_counts_are_whole_numbers_of_at_least_one(script, capsys, name, option, value):
    """Without images a step would end in "nan is not nan"."""
    with pytest.raises(SystemExit):
        script(name).main([option, value])
    assert "expected a whole number of at least 1" in capsys.readouterr().err
