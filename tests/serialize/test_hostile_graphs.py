"""Models as files from strangers: whatever their document says, they are refused with the reason, or loaded as what they say."""

import copy
import io
import json
import math
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import nn
from minicnn.errors import BadType, BadValue, DataError
from minicnn.serialize import container, load
from minicnn.serialize.weights import read_weights

minicnn.manual_seed(0)
MODEL = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.SiLU(), nn.Dropout(0.3), nn.GroupNorm(1, 3), nn.Flatten(), nn.Linear(48, 2))


def written(document, tensors):
    file = io.BytesIO()
    container.write(file, document, tensors)
    return file.getvalue()


def parts():
    """The document and the tensors of a model's file."""
    file = io.BytesIO()
    minicnn.save(MODEL, file, (2, 6, 6), metadata={"classes": ["a", "b"]})
    file.seek(0)
    document, tensors = container.read(file)
    return document, list(tensors.values())


DOCUMENT, TENSORS = parts()


def changed(*path, to):
    """The document with one thing in it replaced, or left out."""
    document = copy.deepcopy(DOCUMENT)
    *above, last = path
    place = document
    for key in above:
        place = place[key]
    if to is ...:
        del place[last]
    else:
        place[last] = to
    return document


def node(**words):
    """The document with one more node, whose words are given."""
    document = copy.deepcopy(DOCUMENT)
    document["nodes"].append({"name": "more", "op_type": "Relu", "inputs": ["output"], "outputs": ["more"], **words})
    return document


def test_the_file_is_what_it_should_be():
    model = load(io.BytesIO(written(DOCUMENT, TENSORS)))
    x = minicnn.randn(2, 2, 6, 6)
    assert np.array_equal(model(x).array, MODEL.eval()(x).array)
    assert model.graph.metadata == {"classes": ["a", "b"]} and not model.training


HOSTILE = {
    "no nodes": (changed("nodes", to=...), "lacks 'nodes'"),
    "a surplus key": (changed("hook", to="os.system"), "'hook'"),
    "no metadata": (changed("metadata", to=...), "metadata must be an object"),
    "metadata a list": (changed("metadata", to=[]), "metadata must be an object"),
    "nodes an object": (changed("nodes", to={}), "nodes must be a list"),
    "a node a string": (changed("nodes", 0, to="Conv"), "a node must be an object"),
    "a node without outputs": (changed("nodes", 0, "outputs", to=...), "lacks 'outputs'"),
    "a node with a surplus key": (changed("nodes", 0, "code", to="x"), "'code'"),
    "an unknown operator": (changed("nodes", 0, "op_type", to="Exec"), "unsupported operators: Exec"),
    "an unknown function of ours": (changed("nodes", 2, "op_type", to="load"), "unsupported operators: minicnn.load"),
    "an attribute of Python's": (changed("nodes", 2, "op_type", to="__class__"), "minicnn.__class__"),
    "an unknown domain": (changed("nodes", 2, "domain", to="evil"), "evil.silu"),
    "an unknown attribute": (changed("nodes", 0, "attributes", "file", to="/etc/passwd"), "no attribute"),
    "an unknown attribute of ours": (changed("nodes", 2, "attributes", to={"out": 1}), "no attribute 'out'"),
    "op_type a list": (changed("nodes", 0, "op_type", to=["Conv"]), "op_type must be a string"),
    "an input a number": (changed("nodes", 0, "inputs", to=[1, "0.weight"]), "inputs must be a string"),
    "inputs a string": (changed("nodes", 0, "inputs", to="input"), "inputs must be a list"),
    "an input that nothing gives": (changed("nodes", 0, "inputs", 0, to="nowhere"), "'nowhere'"),
    "too few inputs": (changed("nodes", 0, "inputs", to=["input"]), "expected 2 to 3 inputs"),
    "too many inputs": (changed("nodes", 2, "inputs", to=["1"] * 3), "expected .* inputs"),
    "a cycle": (changed("nodes", 0, "inputs", 0, to="output"), "'output'"),
    "a value twice": (node(outputs=["output"]), "'output' is there already"),
    "an input as output": (node(outputs=["input"]), "'input' is there already"),
    "a weight as output": (node(outputs=["0.weight"]), "'0.weight' is there already"),
    "no outputs": (node(outputs=[]), "no outputs"),
    "an output that nothing gives": (changed("outputs", 0, "name", to="nowhere"), "nothing computes its output 'nowhere'"),
    "two inputs of one name": (changed("inputs", to=DOCUMENT["inputs"] * 2), "two inputs have one name"),
    "an input's dtype": (changed("inputs", 0, "dtype", to="object"), "dtype 'object'|dtype object"),
    "an input's dtype a list": (changed("inputs", 0, "dtype", to=["float32"]), "dtype"),
    "an input's shape a number": (changed("inputs", 0, "shape", to=4), "shape must be a list"),
    "an input's shape with -1": (changed("inputs", 0, "shape", to=[-1, 2, 6, 6]), "a shape is a list"),
    "an input's shape with a huge side": (changed("inputs", 0, "shape", to=[2**40, 2]), "a shape is a list"),
    "an input's shape of many axes": (changed("inputs", 0, "shape", to=[1] * 40), "a shape is a list"),
    "an input's shape with 1.5": (changed("inputs", 0, "shape", to=[1.5, 2]), "a shape is a list"),
    "an opset of 0": (changed("opset", to=0), "opset must be"),
    "an opset of true": (changed("opset", to=True), "opset must be"),
    "a huge opset": (changed("opset", to=10**9), "opset must be"),
    "a weight that is not there": (changed("initializers", "0.weight", to={"parameter": "tensors/99.npy"}), "not among its tensors"),
    "a tensor twice": (changed("initializers", "0.weight", to=DOCUMENT["initializers"]["0.bias"]), "not among its tensors, or twice"),
    "a weight in words": (changed("initializers", "0.weight", to={"parameter": [1.0]}), "not among its tensors"),
    "a weight left out": (changed("initializers", "0.weight", to=...), "belongs to no initializer"),
    "an unknown kind of weight": (changed("initializers", "0.weight", to={"file": "tensors/0.npy"}), "of the kind 'file'"),
    "two kinds of weight": (changed("initializers", "0.weight", "buffer", to="tensors/1.npy"), "one key"),
    "a constant of strings": (changed("initializers", "3.ratio", to={"float64": ["0.5"]}), "is not a number"),
    "a constant of bools": (changed("initializers", "3.ratio", to={"float64": True}), "is not a number"),
    "a long constant": (changed("initializers", "3.ratio", to={"int64": [0] * 17}), "at most 16"),
    "a number that the dtype cannot hold": (changed("initializers", "3.ratio", to={"uint8": 256}), "cannot hold"),
    "a float that the dtype cannot hold": (changed("initializers", "3.ratio", to={"float32": 1e300}), "cannot hold"),
    "an attribute with unknown words": (changed("nodes", 0, "attributes", "group", to={"$evil": 1}), "words that"),
    "an attribute with a surplus word": (changed("nodes", 0, "attributes", "group", to={"$float": "inf", "a": 1}), "one key"),
    "a float in words": (changed("nodes", 0, "attributes", "group", to={"$float": "2"}), "words that"),
    "a graph inside that is none": (changed("nodes", 0, "attributes", "group", to={"$graph": {}}), "lacks"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents(name, tmp_path):
    document, reason = HOSTILE[name]
    path = tmp_path / "stranger.mcnn"
    path.write_bytes(written(document, TENSORS))
    for mmap in (False, True):
        with pytest.raises(DataError, match=reason) as caught:
            load(path, mmap=mmap)
        assert "stranger.mcnn: " in str(caught.value)
    with pytest.raises(DataError, match="stranger.mcnn: "):
        read_weights(path)


def test_a_parameter_of_integers():
    tensors = [np.zeros(a.shape, np.int64) if a.shape == (3, 2, 3, 3) else a for a in TENSORS]
    with pytest.raises(DataError, match="'0.weight' has the dtype int64"):
        load(io.BytesIO(written(DOCUMENT, tensors)))


def places(value, path=()):
    """The path of every value in a document."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


ODD = st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([2**31, -(2**63), 2**70, 1e308, -0.5, "", "input", "output", "0.weight", "N"]),
                st.just([]), st.just({}), st.lists(st.integers(-1, 9), max_size=5), st.lists(st.sampled_from(["input", "0.weight", "1"]), max_size=4),
                st.sampled_from(["Conv", "Gemm", "If", "Reshape", "Resize", "Softmax", "LSTM", "minicnn", "float16", "constant"]))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(places(DOCUMENT))[1:]), ODD)
def test_whatever_stands_in_a_place_it_is_refused_or_loaded(path, value):
    """And what was loaded computes, or refuses its input."""
    try:
        model = load(io.BytesIO(written(changed(*path, to=value), TENSORS)))
    except DataError:
        return
    try:
        model(minicnn.zeros(1, 2, 6, 6))
    except minicnn.errors.Error:
        return


def test_the_weights_of_a_model_s_file(tmp_path):
    minicnn.save(MODEL, tmp_path / "m.mcnn", (2, 6, 6))
    weights = read_weights(tmp_path / "m.mcnn")
    assert weights.keys() == MODEL.state_dict().keys()
    assert all(np.array_equal(weights[name], t.array) for name, t in MODEL.state_dict().items())


# The form ----------------------------------------------------------------------------------------------------------------


def test_any_unzip_shows_the_network_and_numpy_its_weights(tmp_path):
    minicnn.save(MODEL, tmp_path / "m.mcnn", (2, 6, 6))
    with zipfile.ZipFile(tmp_path / "m.mcnn") as archive:
        document = json.loads(archive.read("graph.json"))
    assert [(n["name"], n["op_type"]) for n in document["nodes"]][:4] == [("0", "Conv"), ("1", "BatchNormalization"), ("2", "silu"), ("3", "Dropout")]
    assert document["initializers"]["3.ratio"] == {"float64": 0.3}
    member = document["initializers"]["0.weight"]["parameter"]
    with np.load(tmp_path / "m.mcnn") as found:
        assert np.array_equal(found[member.removesuffix(".npy")], MODEL[0].weight.array)


def test_a_mapped_model_trains_without_changing_the_file(tmp_path):
    path = tmp_path / "m.mcnn"
    minicnn.save(MODEL, path, (2, 6, 6))
    before, model = path.read_bytes(), load(path, mmap=True).train()
    model(minicnn.randn(2, 2, 6, 6)).sum().backward()
    minicnn.optim.SGD(model.parameters(), 0.1).step()
    assert not minicnn.equal(load(path).state_dict()["0.weight"], model.state_dict()["0.weight"])
    assert path.read_bytes() == before


def test_a_loaded_model_is_saved_without_an_example(tmp_path):
    minicnn.save(MODEL, tmp_path / "a.mcnn", (2, 6, 6), metadata={"mean": [0.5]})
    model = load(tmp_path / "a.mcnn")
    minicnn.save(model, tmp_path / "b.mcnn")
    assert (tmp_path / "a.mcnn").read_bytes() == (tmp_path / "b.mcnn").read_bytes()
    model.get_submodule("6").weight.data.mul_(0)
    minicnn.save(model, tmp_path / "c.mcnn", metadata={})
    again = load(tmp_path / "c.mcnn")
    assert not again.state_dict()["6.weight"].array.any() and again.graph.metadata == {}


def test_our_architectures_need_no_example(tmp_path):
    model = minicnn.models.lenet5(num_classes=3)
    minicnn.save(model, tmp_path / "m.mcnn")
    x = minicnn.randn(4, 1, 28, 28)
    assert np.array_equal(load(tmp_path / "m.mcnn")(x).array, model.eval()(x).array)


@pytest.mark.parametrize("arguments, error, reason", [
    ((MODEL, "f"), BadValue, "Give an example"), ((MODEL, "f", "x"), BadType, "an example is"), ((MODEL, "f", ()), BadType, "an example is"),
    (({}, "f", (1, 2)), BadType, "belong to a model"),
])
def test_what_save_refuses(arguments, error, reason, tmp_path):
    obj, name, *rest = arguments
    with pytest.raises(error, match=reason):
        minicnn.save(obj, tmp_path / name, *rest)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("metadata", [{"f": math.nan}, {"f": math.inf}, {"f": object()}, {1: "a"}, {"f": {2: 3}}])
def test_metadata_that_json_has_no_words_for(metadata, tmp_path):
    with pytest.raises(BadType, match="metadata holds"):
        minicnn.save(MODEL, tmp_path / "m.mcnn", (2, 6, 6), metadata=metadata)
