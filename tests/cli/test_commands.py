"""The commands as a person types them: what they print, what they leave, and one line with exit status 2 for mistakes."""

import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from helpers.commands import refused, run
from PIL import Image
from rich.console import Console

from minicnn import arrays, data
from minicnn.cli.show import class_table, confusion_table, show_scores, show_table
from minicnn.models import Classifier
from minicnn.serialize import save


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of one epoch, and what was printed."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    result = run("train", "--epochs", 1, "--output", folder, "--seed", 5)
    assert result.exit_code == 0, result.output
    return folder, result.output


def digit(folder, index=3, name="digit.png", size=90):
    image = Image.fromarray(data.Digits().data.numpy()[index]).resize((size, size), Image.Resampling.NEAREST)
    image.save(folder / name)
    return folder / name


# train


def test_train_says_what_it_does(trained):
    folder, output = trained
    for text in ("digits: 1,797 images of 8x8, 10 classes", "CC BY 4.0", "1,294 to train on, 144 to choose the best epoch, 359 to test",
                 "features.3   Conv2d", "24x8x8", "37,282 parameters", "best so far", "best epoch: 1", "true \\ predicted",
                 "precision", f"minicnn predict {folder} IMAGE"):
        assert text in output, text
    assert "\x1b" not in output                                            # plain text where there is no terminal
    results = json.loads((folder / "results.json").read_text())
    assert f"accuracy {100 * results['accuracy']:.2f} % (" in output
    assert all((folder / name).stat().st_size > 100 for name in os.listdir(folder)) and len(os.listdir(folder)) == 8


def test_a_run_is_repeated_from_its_config(trained, tmp_path):
    folder, _ = trained
    result = run("train", "--config", folder / "config.json", "--output", tmp_path / "again", "--quiet")
    accuracy = json.loads((folder / "results.json").read_text())["accuracy"]
    assert result.output == f"{tmp_path / 'again'}: test accuracy {100 * accuracy:.2f} %\n"
    assert (tmp_path / "again" / "history.csv").read_bytes() == (folder / "history.csv").read_bytes()


@pytest.mark.parametrize("words, message", [
    (["--dataset", "cats"], "'cats' is not one of 'digits', 'fashion-mnist', 'mnist', 'cifar10', 'cifar100', 'folder' (see minicnn train --help)"),
    (["--model", "vgg99"], "'vgg99' is not one of 'small_cnn', 'lenet5'"),
    (["--optimizer", "sgdd"], "'sgdd' is not one of 'sgd', 'adam'"),
    (["--lr", "nan"], "lr must be finite, got nan"),
    (["--lr", "-1"], "lr must be greater than 0, got -1.0"),
    (["--lr", "fast"], "'fast' is not a valid float"),
    (["--epochs", "0"], "epochs must be 1 or more, got 0"),
    (["--batch-size", "0"], "batch_size must be 1 or more, got 0"),
    (["--batch-size", "1" + 24 * "0"], "batch_size must be 1,000,000,000 or less"),
    (["--shift", "8"], "shift must be less than the images' size of 8x8 pixels, got 8"),
    (["--dataset", "mnist", "--data-dir", "/no/such/folder"], "there is no folder /no/such/folder"),
    (["--resume", "/no/such/run"], "there is no folder /no/such/run"),
    (["--resume", "x", "--batch-size", "3"], "--resume goes on with the run's own settings: leave out --batch-size"),
    (["--config", "/no/such/file"], "/no/such/file: No such file or directory"),
    (["--model", "lenet5"], "lenet5 cannot be trained on images of 1x8x8 (digits); image_size, or --image-size, makes them larger: the window"),
    (["--epoch", "1"], "--epoch"),
    (["extra"], "unexpected extra argument"),
])
def test_mistakes_are_told_in_one_line(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused("train", *words)
    assert not list(tmp_path.iterdir())                                    # and nothing was begun


def test_output_that_cannot_be_used(trained, tmp_path, monkeypatch):
    folder, _ = trained
    assert "is not empty" in refused("train", "--output", folder)
    assert "complete: there is nothing to go on with" in refused("train", "--resume", folder)
    (tmp_path / "file").write_text("")
    assert "is not a folder" in refused("train", "--output", tmp_path / "file")
    assert "Not a directory" in refused("train", "--output", tmp_path / "file" / "run")

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "locked")

    monkeypatch.setattr("pathlib.Path.mkdir", denied)
    assert refused("train", "--output", tmp_path / "x") == "locked: Permission denied"


def test_a_training_that_diverges_is_told_in_one_line(tmp_path):
    assert "the loss became" in refused("train", "--epochs", 1, "--lr", 1e30, "--scheduler", "constant", "--output", tmp_path / "run")
    assert not (tmp_path / "run").exists()                                 # nothing was reached, so nothing is left behind


# predict


def test_predict_prints_bars_of_scores(trained, tmp_path):
    folder, _ = trained
    path = digit(tmp_path)
    output = run("predict", folder, path, path, "--top", 3).output.splitlines()
    assert output[0] == f"{path}: 90x90 L, content centred in 8x8" and len(output) == 8 and output[:4] == output[4:]
    scores = [float(line.split()[-2]) for line in output[1:4]]
    assert scores == sorted(scores, reverse=True)
    widths = [line.count("█") for line in output[1:4]]
    assert all(abs(width - score * 0.3) <= 1 for width, score in zip(widths, scores))


def test_predict_as_json_takes_the_model_file_too(trained, tmp_path):
    folder, _ = trained
    (found,) = json.loads(run("predict", folder / "model.mcnn", digit(tmp_path), "--json", "--device", "cpu").output)
    assert list(found["scores"]) == [str(i) for i in range(10)] and sum(found["scores"].values()) == pytest.approx(1)


def test_predict_goes_on_after_a_broken_image_but_fails(trained, tmp_path):
    folder, _ = trained
    (tmp_path / "broken.png").write_bytes(b"no image")
    result = run("predict", folder, tmp_path / "broken.png", tmp_path / "absent.png", digit(tmp_path))
    assert result.exit_code == 2 and "digit.png: 90x90" in result.stdout
    assert result.stderr.splitlines() == [
        f"Error: {tmp_path / 'broken.png'} cannot be read as an image: it is no image that Pillow knows",
        f"Error: {tmp_path / 'absent.png'}: No such file or directory"]


def test_a_picture_with_more_pixels_than_pillow_s_limit(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)               # of 8100 Pillow itself only warns
    assert "is refused: 90 x 90 pixels are more than Pillow's limit of 6,000" in refused("predict", trained[0], digit(tmp_path))


def test_what_is_no_model_is_refused(trained, tmp_path):
    path = digit(tmp_path)
    assert "has no model.mcnn" in refused("predict", tmp_path, path)
    assert "there is no run folder or model file" in refused("predict", tmp_path / "absent", path)
    assert str(path) in refused("predict", path, path)
    save({"weights": [1]}, tmp_path / "other.mcnn")
    assert "it holds something else" in refused("predict", tmp_path / "other.mcnn", path)
    assert "Missing argument 'IMAGE...'" in refused("predict", trained[0])
    assert "--top" in refused("predict", trained[0], path, "--top", 0)


@pytest.mark.parametrize("words", [["train"], ["evaluate", "RUN"], ["predict", "RUN", "IMAGE"]])
def test_without_a_gpu_cuda_is_refused_alike(trained, tmp_path, monkeypatch, words):
    monkeypatch.setattr(arrays, "why_no_gpu", lambda: "CuPy is not installed")
    given = {"RUN": trained[0], "IMAGE": digit(tmp_path)}
    assert refused(*[given.get(word, word) for word in words], "--device", "cuda") == "no usable GPU: CuPy is not installed"
    assert "'tpu' is not one of 'cpu', 'cuda'" in refused(*[given.get(word, word) for word in words], "--device", "tpu")


# evaluate, info, models


def test_evaluate_finds_what_the_training_found(trained):
    folder, _ = trained
    results = json.loads((folder / "results.json").read_text())
    figures = json.loads(run("evaluate", folder, "--json").output)
    assert {**figures, "best_epoch": 1} == results
    assert f"accuracy {100 * figures['accuracy']:.2f} %" in run("evaluate", folder / "model.mcnn", "--device", "cpu").output


def test_evaluate_on_other_data_is_refused(trained):
    if os.path.isdir("/usr/share/datasets/fashion-mnist"):
        assert "takes images of 1x8x8, those of fashion-mnist are 1x28x28" in refused("evaluate", trained[0], "--dataset", "fashion-mnist")
    assert "'x' is not one of" in refused("evaluate", trained[0], "--part", "x")


def test_evaluate_on_a_file_that_names_no_classes(trained, tmp_path):
    classifier, path, names = Classifier.load(trained[0] / "model.mcnn"), tmp_path / "bare.mcnn", tmp_path / "names.txt"
    save(classifier.model, path, (1, 8, 8))
    result = run("evaluate", path)
    assert result.exit_code == 2 and "name the data set (--dataset, or --data FOLDER)" in result.stderr
    result = run("evaluate", path, "--dataset", "digits")
    assert result.exit_code == 2 and "other classes (10: class 0, class 1, class 2, ...) than digits (10: 0, 1, 2, ...); if only" in result.stderr
    names.write_text("\n".join(classifier.classes))
    numbers = ["--mean", classifier.mean[0], "--std", classifier.std[0]]
    result = run("evaluate", path, "--dataset", "digits", "--classes", names, *numbers, "--json")
    assert result.exit_code == 0 and result.stderr == "input 8x8, as the file says\n"
    accuracy = json.loads((trained[0] / "results.json").read_text())["accuracy"]
    assert json.loads(result.stdout)["accuracy"] == pytest.approx(accuracy)


def test_info_shows_the_model(trained):
    output = run("info", trained[0]).output
    assert "1x8x8, dark background" in output and "digits" in output and "37,282 parameters" in output


def test_models_lists_and_shows():
    assert "lenet5" in run("models").output
    assert "1x28x28" in run("models", "lenet5").output
    assert "3x32x32" in run("models", "small-cnn", "--input", "3x32x32").output
    assert "unknown model 'x'" in refused("models", "x")
    assert "such as 1x28x28, got '28'" in refused("models", "lenet5", "--input", "28")


# the command itself


@pytest.mark.parametrize("command", ["", "train", "predict", "evaluate", "info", "models"])
def test_help_reads_well(command):
    output = run(*command.split(), "--help").output
    assert "Usage: " in output and max(map(len, output.splitlines())) <= 100
    assert "minicnn " + command in output                                  # with examples


def test_without_a_command_there_is_help():
    result = run()
    assert result.exit_code == 0 and result.output == run("--help").output


def test_bars_without_unicode_are_hash_signs(monkeypatch):
    from minicnn.cli.show import bar

    class Ascii:
        encoding = "ascii"

    assert bar(Ascii, 0.5, width=4) == "##  "
    assert [bar(type("Utf", (), {"encoding": "utf-8"}), share, 2) for share in (0, 0.25, 0.3, 1)] == ["  ", "▌ ", "▋ ", "██"]


def test_python_dash_m_in_a_process_of_its_own(tmp_path):
    def start(*words):
        return subprocess.run([sys.executable, "-m", "minicnn", *words], capture_output=True, text=True, cwd=tmp_path, timeout=60,
                              env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})

    assert start("--version").stdout.startswith("minicnn, version ")
    failed = start("train", "--epochs", "0")
    assert (failed.returncode, failed.stdout, failed.stderr) == (2, "", "Error: epochs must be 1 or more, got 0\n")


def test_a_defect_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("minicnn.cli.models.registry.names", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("models")


def test_heavy_libraries_are_imported_only_where_they_are_used():
    code = "import sys, minicnn.cli; print([m for m in ('matplotlib', 'PIL', 'rich', 'platformdirs', 'urllib.request') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert found.stdout == "[]\n", found


# what terminals do


def test_square_brackets_are_no_markup(trained, tmp_path):
    folder = tmp_path / "[/red] [bold]x"
    shutil.copytree(trained[0], folder)
    assert f"{folder} on the test images" in run("evaluate", folder).output
    classifier = Classifier.load(folder / "model.mcnn")
    classifier.classes[:2] = ["[/b]", "[i]"]
    classifier.about["note"] = "[/u]"
    classifier.save(folder / "model.mcnn")
    output = run("info", folder).output
    assert "[/b], [i], 2" in output and "[/u]" in output
    for table in (confusion_table(np.eye(2, dtype=int), ["[/b]", "[i]"]), class_table({"[/b]": dict.fromkeys(
            ("precision", "recall", "f1-score", "support"), 1)})):
        assert "[/b]" in printed(table, 80)


def printed(table, width):
    console = Console(file=io.StringIO(), width=width)
    show_table(console, table)
    return console.file.getvalue()


def test_a_narrow_terminal_loses_no_figures():
    table = confusion_table(np.full((10, 10), 123), [str(i) for i in range(10)])
    assert printed(table, 40).count("123") == 100 and printed(table, 200) == printed(table, 40)


def test_bars_fit_a_narrow_terminal():
    console = Console(file=io.StringIO(), width=30, force_terminal=True, highlight=False)
    show_scores(console, ["a", "b"], np.array([1.0, 0.0]), 2)
    assert [len(line) for line in console.file.getvalue().splitlines()] == [30, 30]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode(trained, tmp_path, encoding):
    path = digit(tmp_path, name="\u6570\xfc.png")
    for words in (["evaluate", trained[0]], ["predict", trained[0], path]):
        found = subprocess.run([sys.executable, "-m", "minicnn", *map(str, words)], capture_output=True, timeout=60,
                               env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": encoding})
        assert found.returncode == 0, found.stderr.decode()
    assert b"?" in found.stdout                                            # for the letter that cannot be shown


def test_what_the_machine_cannot_do_is_one_line(monkeypatch, tmp_path):
    assert "not enough memory: Unable to allocate" in refused("models", "small_cnn", "--input", "1x99999999x99999999")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minicnn.cli.models.registry.names", full)
    assert refused("models") == "No space left on device"
