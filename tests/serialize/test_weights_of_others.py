"""Files of parameters that others wrote: what PyTorch, safetensors and NumPy saved comes back bit for bit; nothing in them is run."""

import io
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import models, nn
from minicnn.errors import DataError
from minicnn.serialize.weights import read_weights

torch = pytest.importorskip("torch")
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def state():
    """One tensor of each dtype; a transposed one, a part of one, two names of one, an empty one, one without axes."""
    values = torch.arange(24).reshape(2, 3, 4)
    found = OrderedDict((str(dtype), (values % 2 if dtype is torch.bool else values).to(dtype)) for dtype in DTYPES)
    base = torch.randn(4, 6)
    return found | {"turned": base.T, "part": base[1:3, ::2], "twice": base, "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5)}


def check(read, expected):
    assert list(read) == list(expected)
    for name, tensor in expected.items():
        tensor = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        np.testing.assert_array_equal(read[name], tensor.detach().numpy(), err_msg=name)
        assert read[name].dtype == tensor.detach().numpy().dtype, name


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
def test_what_pytorch_saved(zipped, tmp_path):
    torch.save(state(), tmp_path / "model.pth", _use_new_zipfile_serialization=zipped)
    check(read_weights(tmp_path / "model.pth"), state_of(tmp_path / "model.pth"))


def state_of(path):
    return torch.load(path, weights_only=False)          # our own file; of protocol 4, PyTorch refuses weights_only


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle(protocol, tmp_path):
    torch.save(state(), tmp_path / "model.pth", pickle_protocol=protocol)
    check(read_weights(tmp_path / "model.pth"), state_of(tmp_path / "model.pth"))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_module_of_pytorch_its_parameters_and_buffers(zipped, tmp_path):
    theirs = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in theirs.state_dict().items()}, "loss": 0.5,
                "args": {"lr": 0.1, "betas": (0.9, 0.99), "name": "a", "flags": [True, None]}},
               tmp_path / "checkpoint.pt", _use_new_zipfile_serialization=zipped)
    ours = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    assert models.load_weights(ours, tmp_path / "checkpoint.pt") == {}
    x = torch.randn(2, 3, 4, 4)
    np.testing.assert_allclose(ours.eval()(minicnn.tensor(x.numpy())).detach().numpy(), theirs.eval()(x).detach().numpy(), atol=1e-6)


@given(st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=4), st.sampled_from(DTYPES)), min_size=1, max_size=6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_shapes(shapes, zipped):
    tensors = {f"layer.{i}": torch.randint(0, 2, tuple(shape)).to(dtype) for i, (shape, dtype) in enumerate(shapes)}
    file = io.BytesIO()
    torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
    check(_read(file.getvalue()), tensors)


def _read(data):
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_weights(file.name)


def test_safetensors_npz_and_our_own(tmp_path):
    from safetensors.torch import save_file

    tensors = {name: tensor.contiguous() for name, tensor in state().items()}
    save_file(tensors, tmp_path / "a.safetensors")
    found = read_weights(tmp_path / "a.safetensors")
    check({name: found[name] for name in tensors}, tensors)
    arrays = {name: tensor.numpy() for name, tensor in state().items() if tensor.dtype is not torch.bfloat16}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays, fortran=np.asfortranarray(np.arange(6.0).reshape(2, 3)), big=np.arange(3, dtype=">f4"))
        found = read_weights(tmp_path / "a.npz")
        check({name: found[name] for name in arrays}, {name: state_tensor(arrays[name]) for name in arrays})
        np.testing.assert_array_equal(found["fortran"], np.arange(6.0).reshape(2, 3))
        assert found["big"].dtype == np.float32 and found["big"].tolist() == [0, 1, 2]
    model = models.lenet5()
    for saved in (model.state_dict(), {"model": model.state_dict(), "epoch": 2}):
        minicnn.save(saved, tmp_path / "a.mcnn")
        np.testing.assert_array_equal(read_weights(tmp_path / "a.mcnn")["features.0.weight"], model.features[0].weight.array)


def state_tensor(array):
    return torch.from_numpy(np.array(array))


def test_what_does_not_fit_is_listed_by_name_and_shape(tmp_path):
    torch.save({"0.weight": torch.zeros(4, 3, 3, 3), "9.bias": torch.zeros(7)}, tmp_path / "m.pth")
    model = nn.Sequential(nn.Conv2d(3, 4, 5))
    before = model[0].weight.array.copy()
    with pytest.raises(DataError) as raised:
        models.load_weights(model, tmp_path / "m.pth")
    for line in ("m.pth does not fit Sequential", "0.weight has shape (4, 3, 3, 3) in the file, (4, 3, 5, 5) in the model",
                 "0.bias is not in the file; the model has shape (4,)", "9.bias is not in the model; the file has shape (7,)", "strict=False"):
        assert line in str(raised.value)
    torch.save({"0.weight": torch.zeros(4, 3, 3, 3), "0.bias": torch.ones(4)}, tmp_path / "m.pth")
    assert set(models.load_weights(model, tmp_path / "m.pth", strict=False)) == {"0.weight"}
    np.testing.assert_array_equal(model[0].weight.array, before)
    np.testing.assert_array_equal(model[0].bias.array, np.ones(4))


# Files that mean harm


class Runs:
    """Pickled, it is a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def zipped(data, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"data.pkl": data, "version": b"3\n", **members}.items():
            archive.writestr(f"archive/{name.replace('__', '/')}", content)
    return file.getvalue()


def tensor_pickle(storage_count=4, offset=0, shape=(2, 2), strides=(2, 1), key="0", kind="FloatStorage"):
    """data.pkl of {"w": tensor}, written instruction by instruction."""
    def number(n):
        return b"J" + struct.pack("<i", n) if -2**31 <= n < 2**31 else b"\x8a\x08" + struct.pack("<q", n)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    reference = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(storage_count) + b"tQ"
    tensor = (b"ctorch._utils\n_rebuild_tensor_v2\n((" [:-1] + reference + number(offset) + b"(" + b"".join(map(number, shape)) + b"t("
              + b"".join(map(number, strides)) + b"t\x89ccollections\nOrderedDict\n)RtR")
    return b"\x80\x02}" + text("w") + tensor + b"s."


FLOATS = struct.pack("<4f", 1, 2, 3, 4)


def test_the_pickle_written_by_hand_is_read():
    np.testing.assert_array_equal(_read(zipped(tensor_pickle(), data__0=FLOATS))["w"], [[1, 2], [3, 4]])


CALLS = {"eval": Runs(eval, "print('harm')"), "exec": Runs(exec, "raise SystemExit"), "memory": Runs(bytearray, 2**40),
         "exit": Runs(sys.exit, 3), "open": Runs(open, "/tmp/x", "w"), "nested": OrderedDict(a=Runs(eval, "1"))}


@pytest.mark.parametrize("thing", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_no_function_is_called(thing, protocol):
    data = pickle.dumps({"w": thing}, protocol)
    for file in (zipped(data, data__0=FLOATS), data, b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})) + data):
        with pytest.raises(DataError):
            _read(file)


@pytest.mark.parametrize("data, message", [
    (tensor_pickle(shape=(10**6, 10**6), strides=(0, 0)), "beyond its storage"),
    (tensor_pickle(shape=(2**31 - 1,) * 3, strides=(0, 0, 0)), "beyond its storage"),
    (tensor_pickle(offset=3), "beyond its storage"),
    (tensor_pickle(offset=-1), "cannot be"),
    (tensor_pickle(strides=(-2, 1)), "cannot be"),
    (tensor_pickle(strides=(2,)), "cannot be"),
    (tensor_pickle(storage_count=10**12), "larger than the file"),
    (tensor_pickle(storage_count=5), "should take 20 bytes, but takes 16"),
    (tensor_pickle(key="1"), "should take 16 bytes, but is not there"),
    (tensor_pickle(kind="QInt8Storage"), "torch.QInt8Storage.* not a part of a tensor"),
    (b"\x80\x02}.", "no state_dict"),
    (b"\x80\x02]q\x00h\x00a.", "no state_dict"),
    (b"\x80\x02", "damaged|no end"),
    (b"\x80\x02}(K\x01.", "no state_dict"),
    (b"\x80\x02r\xff\xff\xff\x7f.", "damaged"),
    (b"\x80\x02}h\x07.", "damaged"),
    (b"", "damaged|no end"),
    (b"\x80\x02K\x05}R.", "calls what is no constructor"),
    (b"\x80\x02ctorch\nFloatStorage\n)R.", "makes a FloatStorage of its own"),
    (b"\x80\x02cbuiltins\neval\n.", "builtins.eval.*nothing was run"),
])
def test_damaged_and_hostile_pickles_are_refused(data, message):
    with pytest.raises(DataError, match=message):
        _read(zipped(data, data__0=FLOATS))


def test_archives_that_unpack_to_more_than_they_are(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", bytes(2 * 10**7))
    with pytest.raises(DataError, match="20 times"):
        read_weights(tmp_path / "bomb.npz")
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", tensor_pickle())
        archive.writestr("a/data/0", FLOATS)
    with pytest.raises(DataError, match="compressed"):
        read_weights(tmp_path / "bomb.pth")
    header = np.lib.format.header_data_from_array_1_0(np.zeros(2))
    for claims in ({**header, "shape": (10**12,)}, {**header, "descr": "|O"}, {**header, "descr": "<U9"}):
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, claims)
        with zipfile.ZipFile(tmp_path / "lies.npz", "w") as archive:
            archive.writestr("w.npy", file.getvalue() + bytes(16))
        with pytest.raises(DataError, match="does not hold numbers"):
            read_weights(tmp_path / "lies.npz")


@pytest.mark.parametrize("zipped_form", [True, False])
def test_every_cut_and_many_flips_are_refused_or_read_never_worse(zipped_form):
    file = io.BytesIO()
    torch.save({"w": torch.randn(3, 5), "n": torch.arange(4)}, file, _use_new_zipfile_serialization=zipped_form)
    whole, rng = file.getvalue(), np.random.default_rng(0)
    cuts = [whole[:length] for length in rng.integers(0, len(whole), 60)]
    flips = []
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        flips.append(bytes(damaged))
    for data in cuts + flips:
        try:
            found = _read(data)
        except DataError:
            continue
        assert all(isinstance(a, np.ndarray) and a.size <= 64 for a in found.values())


@pytest.mark.parametrize("data", [b"", b"hello", b"\x80", b"PK\x03\x04", b"\x10\0\0\0\0\0\0\0{", b"\xff" * 8 + b"{}"])
def test_what_is_no_such_file_at_all(data):
    with pytest.raises(DataError):
        _read(data)


DEEP = b")" + b"\x85" * 1_000_000            # a tuple in a tuple in a tuple ...: to hash it overflows the stack of C


@pytest.mark.parametrize("data", [
    b"\x80\x02(X\x07\0\0\0storage" + DEEP + b"X\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ.", b"\x80\x02}" + DEEP + b"K\x01s.",
    b"\x80\x02ccollections\nOrderedDict\n(](" + DEEP + b"K\x01\x86etR.", b"\x80\x02\x8d" + struct.pack("<Q", 1 << 60) + b"x",
], ids=["storage", "key", "ordered dict", "a text that would be an exabyte"])
@pytest.mark.parametrize("zipped_form", [True, False])
def test_what_would_end_the_process_is_refused(data, zipped_form, tmp_path):
    path = tmp_path / "hostile.pth"
    if zipped_form:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", data)
    else:
        plain = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
        path.write_bytes(b"".join(plain) + data)
    with pytest.raises(DataError, match="hostile.pth"):
        read_weights(path)
