"""`minicnn finetune` and `minicnn predict` on any file, as a person types them."""

import json

import numpy as np
import pytest
from helpers.commands import refused, run
from PIL import Image

import minicnn
from minicnn import models
from minicnn.models import Classifier
from minicnn.serialize import load
from minicnn.train import config as configuration
from minicnn.train.job import prepare
from minicnn.train.opening import open_classifier

COLOURS = {"green": (30, 160, 60), "red": (200, 40, 40)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """24 pictures of two classes that a colour tells apart."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for i in range(12):
            pixels = np.clip(np.array(colour) + rng.normal(0, 40, (20, 20, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A graph's file, of a network for five classes."""
    minicnn.manual_seed(0)
    model = models.create("small_cnn", num_classes=5, in_channels=3)
    with minicnn.no_grad():
        for _ in range(5):
            model(minicnn.randn(8, 3, 16, 16))
    path = tmp_path_factory.mktemp("network") / "net.mcnn"
    minicnn.save(model, path, (3, 16, 16))
    return path


def changed(before, after):
    """The names of what differs, without the head's."""
    return {name for name in before if not name.startswith("classifier") and not np.array_equal(before[name].numpy(), after[name].numpy())}


def test_finetune_evaluate_predict(network, pictures, tmp_path):
    folder = tmp_path / "run"
    output = run("finetune", network, "--data", pictures, "--epochs", 8, "--batch-size", 4, "--lr", 0.05, "--output", folder,
                 "--mean", 0.5, "--std", 0.25).output
    for text in ("24 images of 16x16, 2 classes", "Model: net", "98 of them trainable", "input 16x16, as the file says", "accuracy 100.00 %",
                 f"minicnn predict {folder} IMAGE"):
        assert text in output, text
    before, after = load(network).state_dict(), open_classifier(folder)
    assert after.classes == ["green", "red"] and after.mean == [0.5] * 3 and after.arguments is None
    assert changed(before, after.model.state_dict()) == set()               # the features stay, running statistics too
    assert "accuracy 100.00 %" in run("evaluate", folder).output
    assert "classes" in run("info", folder).output
    found = json.loads(run("predict", folder, pictures, "--json", "--top", 1).output)
    assert [list(entry["scores"]) for entry in found] == [["green"]] * 12 + [["red"]] * 12


def test_all_of_it_is_trained_where_that_is_asked_for(network, pictures, tmp_path):
    before = load(network).state_dict()
    for words, untouched in ((("--freeze", "none"), set()), (("--freeze", "features.6"), {"features.0", "features.1", "features.3"}),
                             (("--layer-decay", 0.5), set()), (("--unfreeze-every", 1), set())):
        folder = tmp_path / words[0].strip("-")
        result = run("finetune", network, "--data", pictures, "--epochs", 5, "--output", folder, "--quiet", *words)
        assert result.exit_code == 0, result.output
        after = load(folder / "checkpoint.mcnn")["model"]
        whole = {name.rpartition(".")[0] for name in before} - {"classifier"}
        assert {name.rpartition(".")[0] for name in changed(before, after)} == whole - untouched - ({"features.4"} if untouched else set())
        again = tmp_path / f"{words[0].strip('-')}-again"
        assert run("train", "--config", folder / "config.json", "--output", again, "--quiet").exit_code == 0
        assert (again / "history.csv").read_bytes() == (folder / "history.csv").read_bytes()
        for path in (*folder.iterdir(), *again.iterdir()):
            path.unlink()
        folder.rmdir(), again.rmdir()


def test_blocks_are_unfrozen_one_after_the_other(network, pictures, tmp_path):
    before = load(network).state_dict()
    for epochs, trained in ((2, set()), (3, {"features.10", "features.11"})):
        folder = tmp_path / str(epochs)
        run("finetune", network, "--data", pictures, "--unfreeze-every", 2, "--epochs", epochs, "--output", folder, "--quiet")
        assert {name.rpartition(".")[0] for name in changed(before, load(folder / "checkpoint.mcnn")["model"])} == trained


@pytest.mark.parametrize("words, wanted", [
    ((), dict(freeze="features", lr=0.01, layer_decay=None, unfreeze_every=None, checkpoint_every=None, mean=None, std=None)),
    (("--layer-decay", 0.8), dict(freeze="none", lr=0.001, layer_decay=0.8)), (("--freeze", "features.6"), dict(freeze="features.6", lr=0.001)),
    (("--unfreeze-every", 3), dict(freeze="none", lr=0.001, unfreeze_every=3)), (("--checkpoint-every", 7), dict(checkpoint_every=7)),
    (("--mean", 0.5, "--std", "1,2,3"), dict(mean=[0.5], std=[1.0, 2.0, 3.0])), (("--model", "lenet5", "--image-size", 12), dict(model="lenet5", image_size=12)),
])
def test_the_options_of_the_command_reach_the_configuration(monkeypatch, words, wanted):
    def stop(config, *_):
        assert {name: getattr(config, name) for name in wanted} == wanted
        raise minicnn.errors.DataError("no training today")

    monkeypatch.setattr("minicnn.train.run.start", stop)
    assert refused("finetune", "net.mcnn", "--data", "images", *words) == "no training today"


def test_weights_of_an_architecture_stay_an_architecture(pictures, tmp_path):
    np.savez(tmp_path / "w.npz", **{name: tensor.numpy() for name, tensor in models.create("small_cnn", in_channels=3).state_dict().items()})
    words = "finetune", tmp_path / "w.npz", "--model", "small-cnn", "--data", pictures, "--image-size", 12, "--epochs", 1, "--quiet"
    assert run(*words, "--output", tmp_path / "run").exit_code == 0
    found = Classifier.load(tmp_path / "run" / "model.mcnn")
    assert found.name == "small_cnn" and found.arguments == {"num_classes": 2, "in_channels": 3} and found.input_shape == (3, 12, 12)


def test_rates_by_layer_and_biases_apart(network, pictures):
    def groups(**given):
        config = configuration.complete_further(network, data_dir=str(pictures), **given)
        return [(g["initial_lr"] * 25, g["weight_decay"], len(g["params"])) for g in prepare(config).trainer.optimizer.param_groups]

    assert [count for _, _, count in groups()] == [2] and groups()[0][0] == pytest.approx(0.01)
    rates = groups(layer_decay=0.5)
    assert [count for _, _, count in rates] == [3, 3, 3, 3, 2]
    np.testing.assert_allclose([rate for rate, _, _ in rates], [0.001 / 16, 0.001 / 8, 0.001 / 4, 0.001 / 2, 0.001])
    apart = groups(layer_decay=0.5, decay_biases=False)
    assert [(decay > 0, count) for _, decay, count in apart] == [(True, 1), (False, 2)] * 4 + [(True, 1), (False, 1)]


def test_goes_on_where_it_was_interrupted(network, pictures, tmp_path):
    """The checkpoint of the first epoch, and from there to the end: as without a break."""
    from helpers.training import StopAt

    from minicnn.train import run as runs

    config = configuration.complete_further(network, data_dir=str(pictures), epochs=3, unfreeze_every=1)
    runs.start(config, tmp_path / "whole").fit()
    broken = runs.start(config, tmp_path / "broken")
    broken.job.trainer.callbacks.append(StopAt(2))
    broken.fit()
    assert not broken.is_complete
    runs.resume(tmp_path / "broken").fit()
    assert (tmp_path / "whole" / "history.csv").read_bytes() == (tmp_path / "broken" / "history.csv").read_bytes()


@pytest.mark.parametrize("words, message", [
    ([], "which images? --data FOLDER"), (["--data", "{}", "--freeze", "nowhere"], "no module 'nowhere'"),
    (["--data", "{}", "--freeze", "none", "--layer-decay", "2"], "layer_decay must be above 0 and at most 1"),
    (["--data", "{}", "--freeze", "features", "--unfreeze-every", "1"], "leave out freeze"),
    (["--data", "{}", "--mean", "a"], "is not a number"), (["--data", "{}", "--mean", "1,2"], "mean must be one number or 3"),
    (["--dataset", "digits"], "takes images of 3x16x16, those of digits are 1x16x16"),
])
def test_finetune_refuses(network, pictures, words, message, tmp_path):
    assert message in refused("finetune", network, *[word.format(pictures) for word in words], "--output", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_train_takes_no_options_of_finetune(tmp_path):
    values = configuration.complete(epochs=1).__dict__ | {"freeze": "features"}
    with pytest.raises(minicnn.errors.BadValue, match="there is none"):
        configuration.Config(**values)


# predict


def test_predict_with_a_foreign_file(network, pictures, tmp_path):
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\ne\n", encoding="utf-8")
    one = pictures / "red" / "0.png"
    result = run("predict", network, one, "--classes", tmp_path / "names.txt", "--top", 2)
    assert result.stderr == "input 16x16, as the file says\nmean and deviation are assumed to be ImageNet's (--mean, --std)\n"
    assert "0.png: 20x20 RGB, middle part scaled to 16x16" in result.stdout and result.stdout.count("%") == 2
    (found,) = json.loads(run("predict", network, one, "--json", "--mean", 0.5, "--std", 0.5).stdout)
    assert list(found["scores"]) == [f"class {i}" for i in range(5)] and sum(found["scores"].values()) == pytest.approx(1, abs=1e-5)
    (other,) = json.loads(run("predict", network, one, "--json", "--mean", "0.1,0.2,0.3", "--std", 0.5, "--input-size", 20).stdout)
    assert other["input"] == ["20x20 RGB"] and other["scores"] != found["scores"]


def test_predict_takes_the_numbers_that_are_given(network, pictures):
    one, mean, std = pictures / "red" / "0.png", (0.1, 0.2, 0.3), (0.5, 0.4, 0.7)
    words = "--mean", ",".join(map(str, mean)), "--std", ",".join(map(str, std)), "--input-size", 20
    (found,) = json.loads(run("predict", network, one, "--json", *words).stdout)
    x = ((np.asarray(Image.open(one)) / 255 - mean) / std).astype(np.float32).transpose(2, 0, 1)[None]
    expected = minicnn.nn.functional.softmax(load(network)(minicnn.tensor(x)), 1)
    np.testing.assert_allclose(list(found["scores"].values()), expected.detach().numpy()[0], rtol=1e-4)


def test_predict_folders_and_files_that_are_no_images(network, pictures, tmp_path):
    broken = tmp_path / "some" / "broken.png"
    broken.parent.mkdir()
    broken.write_bytes(b"no image")
    result = run("predict", network, pictures / "red", broken, "--json")
    assert result.exit_code == 2 and len(json.loads(result.stdout)) == 12 and "broken.png cannot be read as an image" in result.stderr
    (tmp_path / "none").mkdir()
    assert "there is no image in the folder" in refused("predict", network, tmp_path / "none")
    assert "5 classes apart, but 1 names" in refused("predict", network, pictures / "red" / "0.png", "--classes", named(tmp_path))


def named(folder):
    (folder / "one.txt").write_text("a\n", encoding="utf-8")
    return folder / "one.txt"
