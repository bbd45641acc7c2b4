"""What was saved comes back: every type, dtype, shape and bit, however it lay in memory."""

import io
import json
import mmap
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minicnn
from minicnn import arrays, errors
from minicnn.serialize import load, npy, save
from minicnn.serialize.document import to_json
from minicnn.tensor import Tensor


def through_file(obj, **options):
    file = io.BytesIO()
    save(obj, file)
    return load(io.BytesIO(file.getvalue()), **options)


def assert_same(a, b):
    """Equal in type, order of keys, dtype, shape and every bit; NaN equals NaN."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert_same(list(a), list(b))
        assert_same(list(a.values()), list(b.values()))
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for one, other in zip(a, b):
            assert_same(one, other)
    elif isinstance(a, Tensor):
        assert a.requires_grad == b.requires_grad
        assert_same(a.array, b.array)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    else:
        assert repr(a) == repr(b)


# How an array may lie in memory
LAYOUTS = [
    lambda a: a,
    lambda a: a.T,
    lambda a: np.asfortranarray(a),
    lambda a: a[..., ::-1] if a.ndim else a,
    lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    lambda a: np.broadcast_to(a, (3, *a.shape)),
    lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else a,     # channels-last
]


@st.composite
def ndarrays(draw, dtypes):
    dtype = npy.DTYPES[draw(st.sampled_from(sorted(dtypes)))]
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    size = npy.byte_count(dtype, shape)
    bits = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    array = (bits & 1 if dtype.kind == 'b' else bits).view(dtype).reshape(shape)
    return draw(st.sampled_from(LAYOUTS))(array)


scalars = st.none() | st.booleans() | st.integers(-2**130, 2**130) | st.floats() | st.text(max_size=8)
keys = st.one_of(st.text(max_size=4), st.sampled_from(["$tensor", "$", "", "a"]), st.integers(-3, 99), st.none())
leaves = scalars | ndarrays(npy.DTYPES) | ndarrays(arrays.DTYPES).map(Tensor)
states = st.recursive(leaves, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3),
    st.dictionaries(keys, inner, max_size=3).map(OrderedDict)), max_leaves=12)


@given(states)
def test_any_state_comes_back(state):
    assert_same(through_file(state), state)


@given(states)
def test_any_state_comes_back_memory_mapped(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("mapped") / "state.mcnn"
    save(state, path)
    assert_same(load(path, mmap=True), state)


def test_paths_and_open_files(tmp_path):
    state = {"w": minicnn.Tensor(np.arange(3.0))}
    save(state, str(tmp_path / "a.mcnn"))
    with open(tmp_path / "b.mcnn", "wb") as file:
        save(state, file)
    assert (tmp_path / "a.mcnn").read_bytes() == (tmp_path / "b.mcnn").read_bytes()
    with open(tmp_path / "b.mcnn", "rb") as file:
        assert_same(load(file), state)


def test_a_file_object_is_read_and_written_from_where_it_stands():
    file = io.BytesIO(b"before")
    file.seek(0, 2)
    save([1, 2], file)
    file.seek(len(b"before"))
    assert load(file) == [1, 2]


def test_the_file_opens_with_zip_json_and_numpy(tmp_path):
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    save({"conv.weight": Tensor(weight.T)}, tmp_path / "m.mcnn")
    with zipfile.ZipFile(tmp_path / "m.mcnn") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["graph.json", "tensors/0.npy"]
        assert json.loads(archive.read("graph.json")) == {
            "format": "minicnn", "version": 1, "kind": "state", "value": {"conv.weight": {"$tensor": "tensors/0.npy"}},
            "tensors": {"tensors/0.npy": {"dtype": "float32", "shape": [4, 3]}}}
    np.testing.assert_array_equal(np.load(tmp_path / "m.mcnn")["tensors/0"], weight.T)


def test_the_document_is_laid_out_for_reading():
    long = [{"op_type": "Conv", "inputs": ["x" * 60]}, {"op_type": "Relu", "inputs": ["y" * 60]}]
    text = to_json({"kind": "graph", "nodes": long, "shape": [1, 3, 8, 8], "none": [], "empty": {}}).decode()
    assert text.splitlines() == [
        "{", '  "kind": "graph",', '  "nodes": [', f"    {json.dumps(long[0])},", f"    {json.dumps(long[1])}", "  ],",
        '  "shape": [1, 3, 8, 8],', '  "none": [],', '  "empty": {}', "}"]


@pytest.mark.parametrize("array", [np.float64(3), np.zeros((2, 0)), np.arange(5, dtype=np.int8), np.ones((1, 2, 3), bool)])
def test_npy_members_are_what_numpy_reads_and_writes(array):
    array = np.asarray(array)
    ours = npy.header(array.dtype, array.shape) + bytes(npy.content(array))
    np.testing.assert_array_equal(np.load(io.BytesIO(ours)), array)
    theirs = io.BytesIO()
    np.save(theirs, array)
    theirs.seek(0)
    npy.check_header(theirs, len(theirs.getvalue()), array.dtype, array.shape)


def test_numbers_are_aligned_for_mapping(tmp_path):
    state = [np.zeros(n, np.uint8) for n in range(1, 70, 7)] + ["x" * 13]
    save(state, tmp_path / "m.mcnn")
    mapped = load(tmp_path / "m.mcnn", mmap=True)
    assert all(array.ctypes.data % 64 == 0 for array in mapped[:-1])


def test_mapped_numbers_stay_in_the_file(tmp_path):
    save({"t": Tensor(np.arange(4.0)), "a": np.arange(5)}, tmp_path / "m.mcnn")
    for mapped in (True, False):
        found = load(tmp_path / "m.mcnn", mmap=mapped)
        assert [is_mapped(array) for array in (found["t"].array, found["a"])] == [mapped] * 2
    save(minicnn.nn.Linear(3, 2), tmp_path / "model.mcnn", (3,))
    assert all(is_mapped(p.array) for p in load(tmp_path / "model.mcnn", mmap=True).parameters())


def is_mapped(array):
    """Whether an array's numbers lie in a mapping."""
    while isinstance(array, (np.ndarray, memoryview)):
        array = array.obj if isinstance(array, memoryview) else array.base
    return isinstance(array, mmap.mmap)


def test_a_mapped_tensor_can_be_trained_without_touching_the_file(tmp_path):
    save(Tensor(np.zeros(4)), tmp_path / "m.mcnn")
    before = (tmp_path / "m.mcnn").read_bytes()
    load(tmp_path / "m.mcnn", mmap=True).array += 1
    assert (tmp_path / "m.mcnn").read_bytes() == before


def test_tied_tensors_are_stored_once_and_stay_tied():
    weight = Tensor(np.zeros(3))
    loaded = through_file({"encoder": weight, "decoder": weight.detach()})
    loaded["encoder"].array[0] = 7
    assert loaded["decoder"].array[0] == 7


def test_the_same_state_gives_the_same_bytes():
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        save({"w": Tensor(np.ones((2, 2))), "epoch": 3}, file)
    assert files[0].getvalue() == files[1].getvalue()


def test_loaded_arrays_are_writable_and_need_no_gradient():
    loaded = through_file({"plain": Tensor(np.ones(2)), "leaf": Tensor(np.ones(2), requires_grad=True)})
    assert (loaded["plain"].requires_grad, loaded["leaf"].requires_grad) == (False, True)
    loaded["plain"].array[0] = 5


def test_numpy_scalars_become_numbers_of_the_same_value():
    assert_same(through_file([np.float32(0.1), np.int64(-3), np.bool_(True)]), [float(np.float32(0.1)), -3, True])


def test_shapes_become_tuples():
    assert_same(through_file(Tensor(np.zeros((2, 3))).shape), (2, 3))


def test_a_random_stream_goes_on_where_it_stood():
    generator = minicnn.Generator().manual_seed(5)
    generator.numpy.random(7)
    again = minicnn.Generator()
    again.set_state(through_file(generator.get_state()))
    assert again.numpy.random(3).tolist() == generator.numpy.random(3).tolist()


def loop():
    values = []
    values.append(values)
    return values


def deep(levels):
    return [deep(levels - 1)] if levels else 0


@pytest.mark.parametrize("obj, error, words", [
    ({"a": [1, {2, 3}]}, errors.BadType, "obj['a'][1], of type set"),
    ({"a": object()}, errors.BadType, "obj['a'], of type object"),
    ({"a": b"bytes"}, errors.BadType, "of type bytes"),
    ({(1, 2): 3}, errors.BadType, "its key (1, 2)"),
    ([np.array([object()])], errors.BadType, "obj[0] of dtype object"),
    ([np.zeros(2, ">f4")], errors.BadType, "obj[0] of dtype >f4"),
    ([np.zeros(2, complex)], errors.BadType, "complex128"),
    ([np.complex64(1)], errors.BadType, "of type complex"),
    ({"n": 10**1000}, errors.BadValue, "obj['n']: an integer of 3322 bits"),
    (loop(), errors.BadValue, "contains itself"),
    (deep(101), errors.BadValue, "nested more than 100 deep"),
    (OrderedDict(a=deep(97)), errors.BadValue, "nested more than 100 deep"),
    (["x" * 17 * 2**20], errors.BadValue, "17 MiB"),
])
def test_what_a_file_cannot_hold_is_refused_by_its_place(tmp_path, obj, error, words):
    with pytest.raises(error) as refusal:
        save(obj, tmp_path / "m.mcnn")
    assert words in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("obj", [deep(96), OrderedDict(a=deep(93)), 10**997, -(2**3000)])
def test_what_is_just_allowed_comes_back(obj):
    assert through_file(obj) == obj


def test_map_location_says_where_tensors_go():
    state = [Tensor(np.ones(2))]
    for where in (None, "cpu", minicnn.device("cpu"), {"cuda:0": "cpu"}):
        assert through_file(state, map_location=where)[0].device.type == "cpu"


def saved_on_a_gpu(monkeypatch):
    """The file that a machine with a GPU would write."""
    with monkeypatch.context() as patch:
        patch.setattr(Tensor, "device", property(lambda _: arrays.device("cuda:0")))
        file = io.BytesIO()
        save(Tensor(np.ones(2)), file)
    return file.getvalue()


@pytest.mark.parametrize("where", ["cpu", {"cuda:0": "cpu"}])
def test_a_file_from_a_gpu_loads_without_one(monkeypatch, where):
    loaded = load(io.BytesIO(saved_on_a_gpu(monkeypatch)), map_location=where)
    assert (loaded.device.type, loaded.tolist()) == ("cpu", [1, 1])


@pytest.mark.skipif(arrays.why_no_gpu() is None, reason="there is a GPU here")
def test_a_missing_device_is_named(monkeypatch):
    with pytest.raises(errors.DeviceError, match="no usable GPU"):
        through_file([Tensor(np.ones(2))], map_location="cuda")
    with pytest.raises(errors.DeviceError, match="no usable GPU.*map_location='cpu'"):
        load(io.BytesIO(saved_on_a_gpu(monkeypatch)))


@pytest.mark.parametrize("where, error", [("tpu", errors.BadValue), ({"cpu": "tpu"}, errors.BadValue),
                                          (lambda storage, location: storage, errors.BadType)])
def test_an_unknown_map_location_is_refused(where, error):
    with pytest.raises(error):
        through_file([1], map_location=where)


@pytest.mark.parametrize("f", [3, None, io.StringIO()])
def test_what_is_no_binary_file_is_refused(f):
    with pytest.raises(errors.BadType, match="a path or a file opened in binary mode"):
        save([1], f)
    with pytest.raises(errors.BadType, match="a path or a file opened in binary mode"):
        load(f)


def test_memory_mapping_needs_a_path():
    file = io.BytesIO()
    save([1], file)
    with pytest.raises(errors.BadValue, match="path of a file"):
        load(io.BytesIO(file.getvalue()), mmap=True)


@pytest.mark.gpu
def test_a_tensor_goes_back_to_its_gpu(tmp_path):
    state = Tensor(np.arange(3.0)).to("cuda")
    save(state, tmp_path / "m.mcnn")
    assert load(tmp_path / "m.mcnn").device.type == "cuda"
    assert load(tmp_path / "m.mcnn", map_location="cpu").tolist() == [0, 1, 2]


@pytest.mark.parametrize("ending, reader", [(".onnx", "onnx.load"), (".pth", "models.load_weights"), (".NPZ", "models.load_weights")])
def test_files_of_other_programs_are_told_from_damaged_ones(tmp_path, ending, reader):
    path = tmp_path / f"network{ending}"
    path.write_bytes(b"something else")
    with pytest.raises(errors.DataError, match=f"zip archive.*; minicnn.{reader} reads files of this kind"):
        minicnn.load(path)
