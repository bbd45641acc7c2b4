"""A folder of images on the command line: trained, evaluated, gone on with, looked at; and every way in which it can be no good."""

import json
import os
import shutil

import numpy as np
import pytest
from helpers.commands import refused, run
from PIL import Image



def make_folder(root, counts=(("red", 30), ("green", 20), ("blue", 11)), size=(9, 12)):
    """Images that differ in colour: a class that is learnt at once."""
    rng = np.random.default_rng(1)
    for channel, (name, count) in enumerate(counts):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 90, (*size, 3), dtype=np.uint8)
            pixels[..., channel] += 120
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


OPTIONS = ("--epochs", 4, "--batch-size", 16, "--lr", 0.05)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder, the run folder, and what was printed."""
    base = tmp_path_factory.mktemp("folder")
    folder = make_folder(base / "my [b]photos")
    result = run("train", "--data", folder, *OPTIONS, "--augment", "flip,erase", "--output", base / "run")
    assert result.exit_code == 0, result.output
    return folder, base / "run", result.output


def test_a_folder_is_trained_on(trained):
    folder, out, output = trained
    for text in ("61 images of 9x12, 3 classes", f"{folder} (yours)", "split by class, the same in every run", "for data of",
                 "split.json", "precision"):
        assert text in output, text
    assert json.loads((out / "results.json").read_text())["accuracy"] > 0.8
    assert json.loads((out / "config.json").read_text())["augment"] == "flip,erase"


def test_the_split_is_stored_and_kept(trained, tmp_path):
    folder, out, _ = trained
    split = json.loads((out / "split.json").read_text())
    assert list(split) == ["train", "validation", "test"] and "red/0.png" in sum(split.values(), [])
    assert len(set(sum(split.values(), []))) == 61 and [len(part) for part in split.values()] == [44, 5, 12]
    for name, count in (("red", 6), ("green", 4), ("blue", 2)):
        assert sum(file.startswith(name) for file in split["test"]) == count
    before = json.loads(run("evaluate", out, "--json").output)
    added = folder / "red" / "00.png"
    shutil.copy(folder / "red" / "0.png", added)
    try:
        assert json.loads(run("evaluate", out, "--json").output) == before, "a new file changes nothing"
        assert json.loads(run("evaluate", out, "--part", "all", "--json").output)["images"] == 61
    finally:
        added.unlink()
    gone = folder / split["test"][0]
    gone.rename(tmp_path / "gone.png")
    try:
        assert f"1 of the files that the run was divided by are not in {folder} any more, such as {split['test'][0]}" in refused("evaluate", out)
    finally:
        (tmp_path / "gone.png").rename(gone)
    (tmp_path / "run").mkdir()
    shutil.copy(out / "model.mcnn", tmp_path / "run")
    for text in ("{", "[]", '{"train": 1}'):
        (tmp_path / "run" / "split.json").write_text(text)
        assert "is not a split" in refused("evaluate", tmp_path / "run")


def test_another_folder_is_evaluated_on(trained, tmp_path):
    other = make_folder(tmp_path / "other", (("red", 5), ("green", 5), ("blue", 5)), size=(20, 20))
    assert json.loads(run("evaluate", trained[1], "--data", other, "--part", "all", "--json").output)["images"] == 15
    assert "--data and --dataset exclude each other" in refused("evaluate", trained[1], "--data", other, "--dataset", "digits")
    assert "has other classes (" in refused("evaluate", trained[1], "--data", make_folder(tmp_path / "two", (("red", 5), ("blue", 5))))


def test_the_run_is_repeated_and_predicts(trained, tmp_path):
    folder, out, _ = trained
    assert run("train", "--config", out / "config.json", "--workers", 0, "--output", tmp_path / "again", "--quiet").exit_code == 0
    for name in ("history.csv", "split.json", "results.json"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name
    output = run("predict", out, folder / "blue" / "3.png").output
    assert "12x9 RGB" in output and output.splitlines()[1].split()[0] in ("red", "green", "blue")


def test_parts_in_folders_of_their_own(tmp_path):
    for part, count in (("train", 12), ("val", 4), ("test", 5)):
        make_folder(tmp_path / "data" / part, (("a", count), ("b", count)))
    output = run("train", "--data", tmp_path / "data", "--epochs", 1, "--batch-size", 8, "--output", tmp_path / "run").output
    assert "24 to train on, 8 to choose the best epoch, 10 to test with at the end (the data set’s own)" in output
    assert json.loads((tmp_path / "run" / "split.json").read_text())["validation"][0] == "val/a/0.png"


def test_a_run_is_named_after_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "fruit", (("a", 10), ("b", 10)))
    run("train", "--data", "fruit", "--epochs", 1, "--quiet", "--augment", "mixup")
    assert os.listdir("runs") == ["fruit-small_cnn-001"]


def broken(root):
    (root / "red" / "99.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return root


@pytest.mark.parametrize("prepare, options, message", [
    (lambda root: root / "absent", [], "there is no folder"),
    (lambda root: root.mkdir() or root, [], "there is no class folder"),
    (lambda root: make_folder(root, (("only", 3),)), [], "one class only, only: there is nothing to tell apart"),
    (lambda root: make_folder(root, (("a", 3), ("b", 0))), [], "no file for the class b"),
    (lambda root: make_folder(root, (("a", 1), ("b", 1))), [], "2 images are too few: 20% of them are to be held out, to test with at the end"),
    (lambda root: make_folder(root, (("a", 2), ("b", 2))), [], "3 images are too few: 10% of them are to be held out, to choose"),
    (lambda root: broken(make_folder(root)), [], "99.png cannot be read as an image: it is no image that Pillow knows; to leave such files out: --broken skip"),
    (lambda root: (broken(make_folder(root)) / "red" / "99.png").write_bytes(b"") or root, [], "99.png cannot be read as an image: it is empty"),
    (make_folder, ["--augment", "flip,spin"], "unknown augmentation 'spin'"),
    (make_folder, ["--image-size", "0"], "image_size must be 1 or more"),
    (make_folder, ["--dataset", "digits"], "--data and --dataset exclude each other"),
    (make_folder, ["--data-dir", "x"], "--data and --data-dir exclude each other"),
    (make_folder, ["--workers", "-1"], "workers must be 0 or more"),
    (make_folder, ["--shift", "9"], "shift must be less than the images' size of 9x12"),
])
def test_folders_that_cannot_be_trained_on(tmp_path, monkeypatch, prepare, options, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("train", "--data", prepare(tmp_path / "data"), "--epochs", 1, *options)
    assert not (tmp_path / "runs").exists()


def test_broken_files_are_skipped_and_named(tmp_path):
    broken(make_folder(tmp_path / "data"))
    result = run("train", "--data", tmp_path / "data", "--epochs", 1, "--broken", "skip", "--output", tmp_path / "run")
    assert result.exit_code == 0 and "1 broken file skipped: " in result.output and "99.png cannot be read" in result.output
    assert "99.png" in run("evaluate", tmp_path / "run").output


def test_a_folder_needs_its_path():
    assert "needs the folder: --data FOLDER" in refused("train", "--dataset", "folder")


# minicnn data sheet


def test_a_contact_sheet(tmp_path, trained):
    path = tmp_path / "sheet.png"
    output = run("data", "sheet", "--data", trained[0], "--augment", "flip,color", "--count", 3, "--epochs", 2, "--output", path).output
    assert output == f"{path}: 3 training images of {trained[0].name} in 2 epochs\n"
    with Image.open(path) as image:
        assert image.width > 300 and len(image.convert("RGB").getcolors(1 << 20)) > 100
    assert run("data", "sheet", "--output", tmp_path / "digits.pdf", "--count", 2).exit_code == 0


def test_sheets_that_cannot_be_drawn(tmp_path):
    assert "--count" in refused("data", "sheet", "--count", 0)
    assert "there is no folder" in refused("data", "sheet", "--output", tmp_path / "absent" / "x.png")
    assert "unknown augmentation" in refused("data", "sheet", "--augment", "x", "--output", tmp_path / "x.png")


@pytest.mark.parametrize("words", [["data"], ["data", "sheet"]])
def test_help_reads_well(words):
    output = run(*words, "--help").output
    assert "Usage: " in output and max(map(len, output.splitlines())) <= 100 and "minicnn data sheet" in output
