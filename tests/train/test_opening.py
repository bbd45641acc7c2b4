"""Any file with a network becomes a classifier that computes what the network does; what is assumed of it is said."""

import json
import shutil
import warnings

import numpy as np
import pytest

import minicnn
from minicnn import models, nn
from minicnn.errors import BadValue, DataError
from minicnn.models import Classifier
from minicnn.nn import functional as F
from minicnn.serialize import save
from minicnn.train.config import complete_further
from minicnn.train.job import prepare
from minicnn.train.opening import Adapted, open_classifier
from minicnn.train.results import evaluate_saved

STYLE = {"background": "any", "fill": 1.0}


def small(classes=3, channels=3):
    minicnn.manual_seed(1)
    model = models.create("small_cnn", num_classes=classes, in_channels=channels)
    with minicnn.no_grad():
        for _ in range(3):
            model(minicnn.randn(4, channels, 16, 16))
    return model.eval()


def images(n=2, channels=3, side=16):
    return np.random.default_rng(0).integers(0, 256, (n, channels, side, side)).astype(np.uint8)


def expected(model, x, mean, std):
    mean, std = (np.asarray(v, np.float32).reshape(-1, 1, 1) for v in (mean, std))
    with minicnn.no_grad():
        return F.softmax(model(minicnn.from_numpy((x / np.float32(255) - mean) / std)), 1).numpy()


def check(classifier, model, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):
    np.testing.assert_allclose(classifier.probabilities(images()), expected(model, images(), mean, std), rtol=1e-4, atol=1e-6)


# Weights


@pytest.mark.parametrize("ending", [".npz", ".mcnn", ".pth", ".safetensors"])
def test_weights_of_an_architecture(tmp_path, ending):
    model, path = small(), tmp_path / f"mine{ending}"
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    if ending == ".npz":
        np.savez(path, **arrays)
    elif ending == ".mcnn":
        save(model.state_dict(), path)
    elif ending == ".pth":
        torch = pytest.importorskip("torch")
        torch.save({name: torch.tensor(array) for name, array in arrays.items()}, path)
    else:
        pytest.importorskip("safetensors.numpy").save_file({name: a.copy() for name, a in arrays.items()}, path)
    found = open_classifier(path, model="small_cnn", input_size=16)
    check(found, model)
    assert found.classes == ["class 0", "class 1", "class 2"] and found.arguments == {"num_classes": 3, "in_channels": 3}
    assert found.remarks == ["mean and deviation are assumed to be ImageNet's (--mean, --std)"]
    with pytest.raises(DataError, match="which architecture"):
        open_classifier(path)


def test_the_file_s_name_can_be_the_architecture(tmp_path):
    np.savez(tmp_path / "small_cnn.npz", **{name: tensor.numpy() for name, tensor in small(channels=1).state_dict().items()})
    found = open_classifier(tmp_path / "small_cnn.npz")
    assert found.input_shape == (1, 28, 28) and (found.mean, found.std) == ([0.0], [1.0])
    assert found.remarks == ["input 28x28, as usual for small_cnn", "pixels are assumed to be taken in 0..1 (--mean, --std)"]


def test_weights_of_another_architecture(tmp_path):
    np.savez(tmp_path / "w.npz", **{name: tensor.numpy() for name, tensor in small().state_dict().items()})
    with pytest.raises(DataError, match="does not fit LeNet5"):
        open_classifier(tmp_path / "w.npz", model="lenet5")
    with pytest.raises(DataError, match="there is no 'x'"):
        open_classifier(tmp_path / "w.npz", model="x")


def test_auxiliary_heads_may_be_missing(tmp_path):
    with nn.init.skipped():
        model = models.googlenet(num_classes=4, aux_logits=False)
    np.savez(tmp_path / "googlenet.npz", **{name: np.zeros(tensor.shape, tensor.numpy().dtype) for name, tensor in model.state_dict().items()})
    assert len(open_classifier(tmp_path / "googlenet.npz", input_size=32).classes) == 4


# Our own files


def test_a_graph_with_and_without_what_is_to_be_known(tmp_path):
    model = small()
    minicnn.save(model, tmp_path / "bare.mcnn", (3, 16, 16))
    found = open_classifier(tmp_path / "bare.mcnn")
    check(found, model)
    assert found.name == "bare" and found.input_shape == (3, 16, 16) and found.arguments is None
    assert "input 16x16, as the file says" in found.remarks and "ImageNet" in found.remarks[1]
    metadata = {"classes": ["a", "b", "c"], "mean": [0.5] * 3, "std": [0.25] * 3}
    minicnn.save(model, tmp_path / "told.mcnn", (3, 16, 16), metadata=metadata)
    found = open_classifier(tmp_path / "told.mcnn")
    check(found, model, [0.5] * 3, [0.25] * 3)
    assert found.classes == ["a", "b", "c"] and found.remarks[1] == "mean and deviation as the file says"


def test_a_classifier_whose_model_is_a_graph(tmp_path):
    model = small()
    minicnn.save(model, tmp_path / "bare.mcnn", (3, 16, 16))
    first = open_classifier(tmp_path / "bare.mcnn", classes=["x", "y", "z"], mean=[0.4], std=[0.3, 0.2, 0.1])
    assert first.mean == [0.4] * 3 and first.std == [0.3, 0.2, 0.1] and first.remarks == ["input 16x16, as the file says"]
    first.style, first.about = dict(STYLE), {"epoch": 3}
    first.save(tmp_path / "all.mcnn")
    again = Classifier.load(tmp_path / "all.mcnn")
    np.testing.assert_array_equal(again.probabilities(images()), first.probabilities(images()))
    for field in ("name", "arguments", "classes", "input_shape", "mean", "std", "style", "about"):
        assert getattr(again, field) == getattr(first, field), field
    assert open_classifier(tmp_path / "all.mcnn").remarks == []
    shutil.copy(tmp_path / "all.mcnn", tmp_path / "misnamed.onnx")
    assert open_classifier(tmp_path / "misnamed.onnx").classes == ["x", "y", "z"]
    other = {name: tensor + 1 for name, tensor in first.model.state_dict().items()}
    first.save(tmp_path / "other.mcnn", other)
    np.testing.assert_array_equal(Classifier.load(tmp_path / "other.mcnn").model.state_dict()["classifier.bias"].numpy(),
                                  other["classifier.bias"].numpy())
    np.testing.assert_array_equal(again.probabilities(images()), first.probabilities(images()))


@pytest.mark.parametrize("change", [{"classes": ["a"]}, {"mean": [1.0]}, {"std": [0.0] * 3}, {"style": {}}, {"input_shape": [3, 16]},
                                    {"kind": "minicnn classifier", "more": 1}, {"arguments": {"num_classes": -1}}])
def test_a_classifier_s_graph_that_was_tampered_with(tmp_path, change):
    fields = {"kind": "minicnn classifier", "name": "x", "arguments": None, "classes": ["a", "b", "c"], "input_shape": [3, 16, 16],
              "mean": [0.5] * 3, "std": [0.5] * 3, "style": STYLE, "about": {}}
    minicnn.save(small(), tmp_path / "m.mcnn", (3, 16, 16), metadata=fields)
    Classifier.load(tmp_path / "m.mcnn")
    minicnn.save(small(), tmp_path / "m.mcnn", (3, 16, 16), metadata={**fields, **change})
    with pytest.raises(DataError, match="cannot be used as a classifier"):
        open_classifier(tmp_path / "m.mcnn")


def test_a_classifier_on_images_of_another_size(tmp_path):
    some = images(8, 1, 28)
    for name in ("resnet20", "lenet5"):
        Classifier.for_images(name, some, ["a", "b"], models.style_of(some)).save(tmp_path / f"{name}.mcnn")
    found = open_classifier(tmp_path / "resnet20.mcnn", input_size=20)
    assert found.input_shape == (1, 20, 20) and found.probabilities(images(2, 1, 20)).shape == (2, 2)
    with pytest.raises(DataError, match="lenet5.mcnn cannot be used on images of 20x20: .*expected input with in_features"):
        open_classifier(tmp_path / "lenet5.mcnn", input_size=20)


def test_adapting_to_other_classes_keeps_the_features(tmp_path):
    minicnn.save(small(), tmp_path / "bare.mcnn", (3, 16, 16))
    for classifier in (open_classifier(tmp_path / "bare.mcnn"), Classifier("small_cnn", {"in_channels": 3}, list("abcdefghij"), (3, 16, 16),
                                                                            [0.5] * 3, [0.5] * 3, STYLE)):
        before = models.features(classifier.model, images() / np.float32(255))
        same = dict(classifier.model.state_dict())
        classifier.adapt(classifier.classes)
        assert all(same[name].array is tensor.array for name, tensor in classifier.model.state_dict().items())
        classifier.adapt(["u", "v"])
        assert classifier.probabilities(images()).shape == (2, 2) and classifier.head() == "classifier"
        np.testing.assert_array_equal(models.features(classifier.model, images() / np.float32(255)), before)
        classifier.save(tmp_path / "two.mcnn")
        assert Classifier.load(tmp_path / "two.mcnn").classes == ["u", "v"]


# ONNX


def from_torch(path, *layers, size=16, batch=1, dynamic=True):
    """A network of PyTorch's as .onnx, and PyTorch's own answer for images (N, 3, size, size) in 0..1."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
                                torch.nn.Flatten(), torch.nn.Linear(6, 4), *[getattr(torch.nn, layer)(1) for layer in layers]).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(batch, 3, size, size),), str(path), input_names=["x"], dynamo=False,
                          dynamic_axes={"x": {0: "n"}} if dynamic else None)
    return lambda x: model(torch.from_numpy(x)).detach().numpy()


@pytest.mark.parametrize("layers", [(), ("Softmax",)])
@pytest.mark.parametrize("dynamic", [True, False])
def test_onnx(tmp_path, layers, dynamic):
    run = from_torch(tmp_path / "n.onnx", *layers, dynamic=dynamic)
    found = open_classifier(tmp_path / "n.onnx", mean=[0.0], std=[1.0])
    logits = run(images() / np.float32(255))
    wanted = logits if layers else np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found.probabilities(images()), wanted, rtol=1e-4, atol=1e-6)
    assert found.classes == [f"class {i}" for i in range(4)] and found.remarks == ["input 16x16, as the file says"]
    assert models.features(found.model, images() / np.float32(255)).shape == (2, 6)


def test_onnx_of_a_run_takes_bytes_and_knows_its_classes(tmp_path):
    pytest.importorskip("onnx")
    from minicnn.train.exporting import export_classifier

    classifier = Classifier("small_cnn", {"num_classes": 3, "in_channels": 3}, ["a", "b", "c"], (3, 16, 16), [0.4] * 3, [0.2] * 3, STYLE)
    for layout in ("NHWC", "NCHW"):
        export_classifier(classifier, tmp_path / "m.onnx", layout)
        found = open_classifier(tmp_path / "m.onnx")
        assert found.classes == ["a", "b", "c"] and found.input_shape == (3, 16, 16) and isinstance(found.model, Adapted)
        np.testing.assert_allclose(found.probabilities(images()), classifier.probabilities(images()), rtol=1e-4, atol=1e-6)
        found.adapt(["d", "e"])
        found.save(tmp_path / "again.mcnn")
        np.testing.assert_allclose(open_classifier(tmp_path / "again.mcnn").probabilities(images()), found.probabilities(images()), rtol=1e-5)


def of_batches(path, batch, *shape):
    """An .onnx for the digits, of batches of this size alone: what it computes is brought to a shape with the batch in it."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    w = np.random.default_rng(0).normal(size=(10, 1, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("GlobalMaxPool", ["a"], ["b"]),
             helper.make_node("Reshape", ["b", "shape"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (batch, 1, 8, 8))],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(w, "w"), numpy_helper.from_array(np.array(shape), "shape")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.metadata_props.add(key="classes", value=json.dumps([str(i) for i in range(10)]))
    onnx.save(model, path)
    return path, w


@pytest.mark.parametrize("shape", [(1, 10), (1, -1)])
def test_a_network_for_one_image_at_a_time(tmp_path, shape):
    path, w = of_batches(tmp_path / "one.onnx", 1, *shape)
    found = open_classifier(path)
    _, outcome, figures, tested = evaluate_saved(found, path, "digits")
    with minicnn.no_grad():
        logits = F.conv2d(minicnn.from_numpy(tested / np.float32(255)), minicnn.from_numpy(w)).amax((2, 3))
    wanted = F.softmax(logits, 1).numpy()
    np.testing.assert_allclose(outcome.probabilities, wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.probabilities(tested), wanted, rtol=1e-4, atol=1e-6)
    assert figures["images"] == len(tested) == 359
    with pytest.raises(DataError, match="one.onnx is made for one image at a time, and cannot be trained on batches"):
        prepare(complete_further(path, dataset="digits"))
    found.compile()
    np.testing.assert_allclose(found.probabilities(tested[:3]), wanted[:3], rtol=1e-4, atol=1e-6)


def test_a_network_for_several_images_at_a_time(tmp_path):
    with pytest.raises(DataError, match="cannot be used on images of 8x8: .* made for 8 images at once"):
        open_classifier(of_batches(tmp_path / "eight.onnx", 8, 8, 10)[0])


def test_networks_that_are_no_classifiers_of_images(tmp_path):
    minicnn.save(nn.Sequential(nn.Linear(4, 2)), tmp_path / "dense.mcnn", (4,))
    with pytest.raises(DataError, match="it takes input .*not one batch of images"):
        open_classifier(tmp_path / "dense.mcnn")
    minicnn.save(nn.Sequential(nn.Conv2d(3, 2, 1)), tmp_path / "map.mcnn", (3, 5, 5))
    with pytest.raises(DataError, match=r"for one image it gives \(1, 2, 5, 5\)"):
        open_classifier(tmp_path / "map.mcnn")
    minicnn.save(nn.Sequential(nn.Conv2d(3, 2, 5), nn.Flatten(), nn.Linear(2, 2)), tmp_path / "sized.mcnn", (3, 5, 5))
    with pytest.raises(DataError, match="cannot be used on images of 9x9.*another --input-size"):
        open_classifier(tmp_path / "sized.mcnn", input_size=9)


def test_a_network_without_parameters(tmp_path):
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    minicnn.save(model, tmp_path / "bare.mcnn", (3, 16, 16))
    check(open_classifier(tmp_path / "bare.mcnn"), model)


def test_several_outputs_and_probabilities_that_no_layer_gives():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(3, 4)

        def forward(self, x):
            y = x.mean((1, 2))
            return y, F.softmax(self.dense(y), 1)

    odd, x = Odd(), minicnn.rand(5, 3, 6, 6)
    adapted = Adapted(odd, True, False, 1, True)
    np.testing.assert_allclose(F.softmax(adapted(x), 1).detach().numpy(), odd(x.permute(0, 2, 3, 1))[1].detach().numpy(), rtol=1e-5)


# Names and numbers that are given


def test_names_of_classes(tmp_path):
    minicnn.save(small(), tmp_path / "m.mcnn", (3, 16, 16))
    (tmp_path / "lines.txt").write_text("cat\n\n  dog \nox\n", encoding="utf-8")
    (tmp_path / "list.json").write_text(json.dumps(["cat", "dog", "ox"]), encoding="utf-8")
    for names in (tmp_path / "lines.txt", str(tmp_path / "list.json"), ["cat", "dog", "ox"]):
        assert open_classifier(tmp_path / "m.mcnn", classes=names).classes == ["cat", "dog", "ox"]
    with pytest.raises(BadValue, match="tells 3 classes apart, but 2 names are given"):
        open_classifier(tmp_path / "m.mcnn", classes=["a", "b"])
    (tmp_path / "list.json").write_text("[", encoding="utf-8")
    with pytest.raises(DataError, match="no names of classes"):
        open_classifier(tmp_path / "m.mcnn", classes=tmp_path / "list.json")


@pytest.mark.parametrize("given, message", [(dict(mean=[1, 2]), "one number or 3"), (dict(std=[0]), "above 0"), (dict(mean=[float("nan")]), "mean")])
def test_numbers_that_make_no_sense(tmp_path, given, message):
    minicnn.save(small(), tmp_path / "m.mcnn", (3, 16, 16))
    with pytest.raises(BadValue, match=message):
        open_classifier(tmp_path / "m.mcnn", **given)


def test_files_that_are_nothing_of_it(tmp_path):
    with pytest.raises(DataError, match="there is no run folder or model file"):
        open_classifier(tmp_path / "absent.onnx")
    with pytest.raises(DataError, match="not the folder of a run"):
        open_classifier(tmp_path)
    for name, content, why in (
            ("a.mcnn", b"", "it is empty"), ("a.onnx", b"", "it is empty"), ("a.onnx", b"hello", "it is no ONNX network"),
            ("a.mcnn", b"hello", r"neither minicnn, PyTorch, .*the name of an ONNX network must end in \.onnx"),
            ("a.pth", b"PK\x03\x04", "it is not a whole zip archive"), ("a", b"\x80\x02}.", "it is a pickle, but not one that PyTorch")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: {why}"):
            open_classifier(tmp_path / name)
    save({"a": [1]}, tmp_path / "state.mcnn")
    with pytest.raises(DataError, match="it holds something else"):
        open_classifier(tmp_path / "state.mcnn")
