"""Export: what onnxruntime computes is what we compute, for every layer and function, every architecture, and any batch."""

import io

import numpy as np
import pytest
from helpers.graph_cases import CASES, IMAGE, Calls, arrays_of, batch_of, made, shaken

import minicnn
from minicnn import models, nn
from minicnn.errors import BadType, BadValue, UnsupportedOperator
from minicnn.models import vgg

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
export = pytest.importorskip("minicnn.onnx").export
onnxruntime.set_default_logger_severity(3)


def check(model, x, tolerance=1e-5, **options):
    """Export, and compare for batches of 1, 2 and 5."""
    proto = export(model, minicnn.tensor(x), **options)
    onnx.checker.check_model(proto, full_check=True)
    onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    assert (proto.ir_version, [(o.domain, o.version) for o in proto.opset_import]) == (8, [("", 17)])
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    for n in (1, 2, 5):
        given = batch_of(x, n)
        ours = arrays_of(model.eval()(minicnn.tensor(given)))
        theirs = session.run(None, {session.get_inputs()[0].name: given})
        for a, b in zip(ours, theirs, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
    return proto


@pytest.mark.parametrize("name", CASES)
def test_layers_and_functions(name):
    check(*made(name))


@pytest.mark.parametrize("name", ["lenet5", "small_cnn", "vgg_small", "resnet20", "resnet18", "googlenet"])
def test_architectures(name):
    minicnn.manual_seed(0)
    model = models.create(name)
    shaken(model) if name in ("lenet5", "small_cnn", "vgg_small") else None
    check(model, np.random.default_rng(0).standard_normal((2, *model.input_shape)).astype(np.float32), 2e-5)


def test_alexnet():
    minicnn.manual_seed(0)
    model = models.create("alexnet", num_classes=10)
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    session = onnxruntime.InferenceSession(export(model).SerializeToString())
    np.testing.assert_allclose(session.run(None, {"input": x})[0], model.eval()(minicnn.tensor(x)).array, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg(batch_norm):
    """Without the dense layers, which are half a gigabyte; on small images, whose 2x2 pixels become 7x7."""
    minicnn.manual_seed(0)
    model = nn.Sequential(vgg.make_layers(11, batch_norm), nn.AdaptiveAvgPool2d(7))
    check(model, np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32))


def test_double_precision():
    minicnn.manual_seed(0)
    check(nn.Sequential(nn.Flatten(), nn.Linear(288, 5), nn.Sigmoid(), nn.Linear(5, 2)).double(), IMAGE.astype(np.float64), 1e-12)


# The file ----------------------------------------------------------------------------------------------------------------


def test_names_and_axes():
    model = nn.Sequential(nn.Conv2d(4, 3, 1), nn.ReLU())
    proto = export(model, minicnn.tensor(IMAGE))
    assert [node.name for node in proto.graph.node] == ["0", "1"]
    assert [t.name for t in proto.graph.initializer] == ["0.weight", "0.bias"]
    assert [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*proto.graph.input, *proto.graph.output)] == [
        ["N", 4, 8, 9], ["N", 3, 8, 9]]
    proto = export(model, minicnn.tensor(IMAGE), input_names=["image"], output_names=["y"], dynamic_axes={"image": {0: "batch"}, "y": {0: "batch"}})
    assert (proto.graph.input[0].name, proto.graph.output[0].name) == ("image", "y")
    assert proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert export(model, (4, 8, 9), dynamic_axes={}).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2


def test_statistics_that_no_node_needs_are_left_out():
    proto = export(nn.Sequential(nn.BatchNorm2d(4)), minicnn.tensor(IMAGE))
    assert [t.name.partition(".")[2] for t in proto.graph.initializer] == ["weight", "bias", "running_mean", "running_var"]


def test_it_is_called_as_pytorch_s():
    export(nn.Sequential(nn.ReLU()), (minicnn.tensor(IMAGE),), io.BytesIO(), export_params=True, verbose=False, opset_version=17, do_constant_folding=True,
           input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})


def test_it_is_written_to_paths_and_files(tmp_path):
    model, file = nn.Sequential(nn.ReLU()), io.BytesIO()
    proto = export(model, (4, 8, 9), tmp_path / "m.onnx")
    export(model, (4, 8, 9), file)
    assert (tmp_path / "m.onnx").read_bytes() == file.getvalue() == proto.SerializeToString()
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_metadata_are_the_file_s_properties():
    proto = export(nn.Sequential(nn.ReLU()), (4, 8, 9), metadata={"classes": ["a", "b"], "author": "me"})
    assert {p.key: p.value for p in proto.metadata_props} == {"classes": '["a", "b"]', "author": "me"}


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_images_are_normalised_inside(layout):
    model, rng = nn.Sequential(nn.Conv2d(3, 2, 3)).eval(), np.random.default_rng(0)
    mean, std = [0.1, 0.5, 0.7], [0.2, 0.3, 0.9]
    proto = export(model, (3, 8, 9), preprocessing=layout, metadata={"mean": mean, "std": std})
    images = rng.integers(0, 256, (5, 3, 8, 9), dtype=np.uint8)
    wanted = model(minicnn.tensor(((images / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))).astype(np.float32))).array
    given = images if layout == "NCHW" else images.transpose(0, 2, 3, 1)
    found = onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"images": np.ascontiguousarray(given)})[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


# Refusals ----------------------------------------------------------------------------------------------------------------


def test_what_onnx_cannot_express_is_listed_all_at_once():
    def forward(x):
        return x[x > 0].sum() + x.norm("nuc", (2, 3)).sum() + minicnn.nn.functional.mse_loss(x, x * 2)

    with pytest.raises(UnsupportedOperator) as caught:
        export(Calls(forward), minicnn.tensor(IMAGE))
    assert caught.value.operators == ["getitem", "mse_loss", "norm (p='nuc')"]


@pytest.mark.parametrize("options, error, reason", [
    (dict(opset_version=11), BadValue, "opset_version must be 17"), (dict(export_params=False), BadValue, "export_params True"), (dict(dynamic_axes={"input": {2: "height"}}), BadValue, "only the batch"),
    (dict(dynamic_axes=["input"]), BadType, "dynamic_axes must be like"), (dict(dynamic_axes={"input": {0: "a"}, "output": {0: "b"}}), BadValue, "one batch"),
    (dict(preprocessing="HWC"), BadValue, "preprocessing must be"), (dict(preprocessing="NCHW"), BadValue, "metadata with mean and std"),
    (dict(preprocessing="NCHW", metadata={"mean": [0.5], "std": [0.5]}), BadValue, "for each channel"), (dict(args=()), BadType, "an example is"),
    (dict(args=None), BadValue, "Give an example"), (dict(metadata={"f": float("nan")}), BadType, "metadata holds"),
])
def test_refusals(options, error, reason):
    with pytest.raises(error, match=reason):
        export(**{"model": nn.Sequential(nn.ReLU()), "args": (4, 8, 9), **options})
