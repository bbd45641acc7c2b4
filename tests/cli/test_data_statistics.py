"""`minicnn data statistics`: what it prints, what it writes, and what it refuses."""

import json

import numpy as np
from helpers.commands import run
from PIL import Image


def photos(folder):
    """Ten images of two classes; one of the test part is also in the training part, one is broken."""
    rng = np.random.default_rng(0)
    for i in range(10):
        path = folder / ("train", "test")[i % 2] / ("[b]cat", "dog")[i // 2 % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).save(path)
    (folder / "test" / "dog" / "copy.png").write_bytes((folder / "train" / "dog" / "2.png").read_bytes())
    (folder / "test" / "dog" / "broken.png").write_bytes(b"nothing")
    return folder


def test_a_folder_is_told_of_and_drawn(tmp_path):
    result = run("data", "statistics", "--data", photos(tmp_path / "photos"), "--output", tmp_path / "seen")
    assert result.exit_code == 0
    lines = {line.split("  ")[0]: line for line in result.output.splitlines() if "  " in line}
    assert lines["pairs across parts (leakage)"].split()[4:] == ["1", "train/dog/2.png", "=", "test/dog/copy.png"]
    assert "broken.png" in lines["files that cannot be read"] and lines["[b]cat"].split()[1:] == ["3", "3", "54.55", "%"]
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {"statistics.json", "class-balance.png", "class-means.png", "duplicates.png"}
    assert json.loads((tmp_path / "seen" / "statistics.json").read_text())["leaks"]["number"] == 1


def test_a_folder_in_the_long_form_is_the_same(tmp_path):
    folder = photos(tmp_path / "photos")
    short, long = (run("data", "statistics", "--json", *words).output for words in (["--data", folder], ["--dataset", "folder", "--data-dir", folder]))
    assert short == long and json.loads(short)["damaged"]["number"] == 1


def test_a_data_set_by_name_as_json():
    found = json.loads(run("data", "statistics", "--dataset", "digits", "--json").output)
    assert (found["images"], found["equal"]["number"], found["sizes"]) == (1797, 0, {"8x8": 1797})


def test_mistakes_are_told_in_one_line(tmp_path):
    for words, message in [(["--data", tmp_path / "absent"], "there is no folder"), (["--data", tmp_path], "a folder for each class"),
                           (["--data", tmp_path, "--dataset", "digits"], "--data and --dataset exclude each other")]:
        result = run("data", "statistics", *words)
        assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1
