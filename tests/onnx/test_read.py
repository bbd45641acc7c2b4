"""What `minicnn.onnx.read` makes of a file that is as it should be, and how `load` tells what cannot be computed."""

import io
import os
import sys

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from build import FLOAT, model, node, save, value, weight  # noqa: E402
from onnx import AttributeProto, GraphProto, TensorProto, helper, numpy_helper  # noqa: E402

import minicnn  # noqa: E402
from minicnn.errors import DataError, Error, UnsupportedOperator  # noqa: E402
from minicnn.onnx import load  # noqa: E402
from minicnn.onnx.external import opened, plain_file  # noqa: E402
from minicnn.onnx.read import read  # noqa: E402
from minicnn.onnx.tensors import STORED, Tensors, dtype_of  # noqa: E402


def in_memory(proto):
    return io.BytesIO(proto.SerializeToString())


def outputs(proto, x):
    with minicnn.no_grad():
        return load(in_memory(proto) if not isinstance(proto, str) else proto)(minicnn.tensor(x)).numpy()


X = weight(2, 3, 8, 8, seed=5)


# The graph

def test_a_graph_is_as_it_stands_in_the_file():
    proto = model([node("Conv", "x w _", "c", name="features/conv", strides=[2, 1], auto_pad="SAME_UPPER"), node("Elu", "c", "y", alpha=0.5)],
                  inputs=[("x", ("batch", 3, None, 8))], outputs=[value("y", ("batch", 4, None, 8))], tensors={"w": weight(4, 3, 3, 3)},
                  opset=13, graph_name="net")
    proto.metadata_props.add(key="classes", value="cat,dog")
    graph = read(in_memory(proto))
    assert (graph.name, graph.opset, graph.metadata) == ("net", 13, {"classes": "cat,dog"})
    assert [(v.name, v.dtype, v.shape) for v in graph.inputs] == [("x", "float32", ("batch", 3, "x_2", 8))]
    assert [v.name for v in graph.outputs] == ["y"]
    conv, elu = graph.nodes
    assert (conv.op_type, conv.inputs, conv.outputs, conv.name) == ("Conv", ["x", "w", ""], ["c"], "features/conv")
    assert conv.attributes == {"strides": [2, 1], "auto_pad": "SAME_UPPER"} and elu.attributes == {"alpha": 0.5}
    np.testing.assert_array_equal(graph.initializers["w"], weight(4, 3, 3, 3))


def test_a_file_object_and_a_path_are_read(tmp_path):
    proto = model([node("Relu", "x", "y")])
    for f in (save(proto, tmp_path / "m.onnx"), tmp_path / "m.onnx", in_memory(proto)):
        assert [n.op_type for n in read(f).nodes] == ["Relu"]


@pytest.mark.parametrize("kind", STORED)
def test_numbers_of_every_type_as_bytes_and_as_numbers(kind):
    """Half precision and bfloat16 become float32, unsigned integers the next wider."""
    numbers = np.array([[0, 1, 1], [1, 0, 1]]) if kind == TensorProto.BOOL else np.array([[0, 1, 100], [3, 7, 2]])
    as_numbers = helper.make_tensor("t", kind, numbers.shape, numbers.ravel().astype("float32" if kind in (1, 10, 11, 16) else "int64"))
    as_bytes = numpy_helper.from_array(numpy_helper.to_array(as_numbers), "t")
    assert as_bytes.data_type == kind and as_bytes.HasField("raw_data")
    for proto in (as_numbers, as_bytes):
        array = Tensors(None).array(proto)
        assert str(array.dtype) == dtype_of(kind) and array.flags.writeable and array.shape == (2, 3)
        np.testing.assert_array_equal(array, numbers)


# External data

def with_external(folder, location, **more):
    w = weight(4, 3, 3, 3)
    path = folder / location
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(64) + w.tobytes() + bytes(10))
    proto = TensorProto(name="w", data_type=FLOAT, dims=w.shape, data_location=TensorProto.EXTERNAL)
    for key, text in {"location": location, "offset": "64", "length": str(w.nbytes), **more}.items():
        proto.external_data.add(key=key, value=text)
    return w, save(model([node("Conv", "x w", "y")], tensors={"w": proto}), folder / "model.onnx")


@pytest.mark.parametrize("location", ["model.onnx.data", "weights/w.bin", "./w.bin", "..data", "a b"])
def test_external_data_in_the_folder_is_read(location, tmp_path):
    w, path = with_external(tmp_path, location, checksum="0" * 40)
    np.testing.assert_array_equal(read(path).initializers["w"], w)


def test_external_data_by_a_link_inside_the_folder_and_a_folder_that_is_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    w, path = with_external(tmp_path / "real", "w.bin")
    (tmp_path / "real" / "w.bin").rename(tmp_path / "real" / "other.bin")
    os.symlink("other.bin", tmp_path / "real" / "w.bin")
    os.symlink("real", tmp_path / "link")
    for folder in ("real", "link"):
        np.testing.assert_array_equal(read(tmp_path / folder / "model.onnx").initializers["w"], w)


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes with a name there")
def test_what_was_put_in_the_place_of_a_plain_file_is_not_read(tmp_path):
    """After the file was looked at, and before it is opened: a link is not followed, and no pipe is waited for."""
    os.symlink(__file__, tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        plain_file(tmp_path / "link")
    with pytest.raises(DataError, match="is not a plain file"):
        plain_file(tmp_path / "pipe")


@pytest.mark.parametrize("form", ["{}/w.bin", "sub/../w.bin", "sub\\..\\w.bin", "C:w.bin"])
def test_paths_that_might_lead_out_of_the_folder_are_not_followed_even_where_they_do_not(form, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "w.bin").write_bytes(b"1234")
    with pytest.raises(DataError, match="only files in the model's folder are read"):
        opened(form.format(tmp_path), tmp_path)


def test_external_data_needs_a_path(tmp_path):
    _, path = with_external(tmp_path, "w.bin")
    with open(path, "rb") as file, pytest.raises(DataError, match="from a path"):
        read(file)


# Functions

def function(name, nodes, inputs=("a",), outputs=("z",), attributes=(), defaults=()):
    made = helper.make_function("own", name, inputs, outputs, nodes, [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)], attributes)
    made.attribute_proto.extend(helper.make_attribute(key, v) for key, v in defaults)
    return made


def referring(op, inputs, outputs, name, refers, kind):
    made = node(op, inputs, outputs)
    made.attribute.append(AttributeProto(name=name, ref_attr_name=refers, type=kind))
    return made


def with_functions(nodes, *functions, **more):
    proto = model(nodes, **more)
    proto.opset_import.add(domain="own", version=1)
    proto.functions.extend(functions)
    return proto


def test_functions_are_replaced_by_their_bodies():
    inner = function("Steep", [referring("LeakyRelu", "a", "t", "alpha", "slope", AttributeProto.FLOAT), node("Neg", "t", "z")], attributes=["slope"])
    outer = function("Twice", [node("Steep", "a", "t", domain="own", slope=0.25), node("Steep", "t", "z", domain="own", slope=0.5)])
    proto = with_functions([node("Twice", "x", "h", domain="own"), node("Twice", "h", "y", domain="own")], inner, outer)

    def steep(x, slope):
        return -np.where(x < 0, slope * x, x)

    expected = X
    for slope in (0.25, 0.5, 0.25, 0.5):
        expected = steep(expected, np.float32(slope))
    np.testing.assert_allclose(outputs(proto, X), expected, rtol=1e-6)


def test_a_function_s_defaults_inputs_left_out_and_outputs_unused():
    scaled = function("Scaled", [referring("LeakyRelu", "a", "t", "alpha", "slope", AttributeProto.FLOAT), node("Clip", "t low _", "z"),
                                 node("Exp", "a", "other")], inputs=("a", "low"), outputs=("z", "other", "a"), defaults=[("slope", 0.125)])
    proto = with_functions([node("Scaled", "x", "p _ q", domain="own"), node("Add", "p q", "y")], scaled)
    np.testing.assert_allclose(outputs(proto, X), np.where(X < 0, 0.125 * X, X) + X, rtol=1e-6)


def test_a_graph_inside_a_function_sees_the_call_s_values():
    body = [node("Shape", "a", "s"), node("Gather", "s i", "c"), node("Equal", "c i", "e"), node(
        "If", "e", "z", then_branch=GraphProto(name="t", node=[node("Neg", "a", "b")], output=[value("b", None)]),
        else_branch=GraphProto(name="e", node=[referring("Elu", "a", "b", "alpha", "slope", AttributeProto.FLOAT)], output=[value("b", None)]))]
    proto = with_functions([node("Choice", "x one", "y", domain="own", slope=2.0)], function("Choice", body, ("a", "i"), attributes=["slope"]),
                           tensors={"one": np.int64(1)})
    np.testing.assert_allclose(outputs(proto, X), np.where(X < 0, 2 * np.expm1(X), X), rtol=1e-5)


# What cannot be loaded

def test_all_unsupported_operators_are_told_at_once():
    proto = model([node("Strange", "x", "a"), node("NonMaxSuppression9", "a", "b"), node("Strange", "b", "c"), node("FusedConv", "c", "y",
                                                                                                                domain="com.microsoft")])
    with pytest.raises(UnsupportedOperator, match="model.*") as caught:
        load(named(in_memory(proto), "model.onnx"))
    assert caught.value.operators == ["NonMaxSuppression9", "Strange", "com.microsoft.FusedConv"]


def named(file, name):
    file.name = name
    return file


def test_operators_that_nobody_needs_are_not_asked_for():
    proto = model([node("Strange", "x", "a"), node("Relu", "x", "y")])
    assert outputs(proto, X).shape == X.shape


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(Error, match="pip install"):
        load("any.onnx")


# Parameters

def test_what_is_trained():
    """Weights, biases and scales; neither statistics nor single numbers, nor what normalises the input."""
    c = {name: np.abs(weight(4)) + 0.1 for name in ("scale", "shift", "mean", "var")}
    proto = model([node("Sub", "x m", "n"), node("Mul", "n d", "p"), node("Conv", "p w b", "c"), node("BatchNormalization", "c scale shift mean var", "q"),
                   node("Mul", "q half", "h"), node("Mul", "h gamma", "g"), node("Add", "g onnx::Add_7", "y")],
                  tensors={"m": weight(3, 1, 1), "d": weight(3, 1, 1), "w": weight(4, 3, 3, 3), "b": weight(4), "half": np.float32(0.5),
                           "gamma": weight(4, 1, 1), "onnx::Add_7": weight(4, 1, 1), **c})
    network = load(in_memory(proto))
    assert {name.rpartition(".")[2] for name, _ in network.named_parameters()} == {"weight", "bias", "gamma"}
    assert len(list(network.parameters())) == 5



def test_initializers_that_are_shared_stay_one_parameter():
    proto = model([node("Conv", "x w", "a"), node("Conv", "a w", "b"), node("Add", "a b", "y")], tensors={"w": weight(3, 3, 1, 1)})
    network = load(in_memory(proto))
    network(minicnn.tensor(X)).sum().backward()
    assert len(list(network.parameters())) == 1
