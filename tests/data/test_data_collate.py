"""default_collate and default_convert beside PyTorch's, on samples of every structure."""

from collections import OrderedDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

import minicnn
from minicnn import data

torch = pytest.importorskip("torch")
reference_collate = torch.utils.data.default_collate
reference_convert = torch.utils.data.default_convert

Point = namedtuple("Point", "x y")

BATCHES = {
    "floats": [1.0, 2.5],
    "integers": [1, 2],
    "bools": [True, False],
    "numpy scalars": [np.float32(1), np.float32(2)],
    "numpy integers": [np.int64(1), np.int64(2)],
    "numpy bools": [np.bool_(True), np.bool_(False)],
    "arrays": [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "byte arrays": [np.array([1, 2], np.uint8)] * 3,
    "0-d arrays": [np.array(1.0), np.array(2.0)],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, 2.0), (3, 4.0)],
    "lists": [[1, "a"], [2, "b"]],
    "nested": [({"x": [1, 2]}, "a"), ({"x": [3, 4]}, "b")],
    "dicts": [{"a": 1, "b": 2.0}, {"a": 3, "b": 4.0}],
    "ordered dicts": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "default dicts": [defaultdict(list, a=1), defaultdict(list, a=2)],
    "read-only mappings": [MappingProxyType({"a": 1}), MappingProxyType({"a": 2})],
    "named tuples": [Point(1, 2.0), Point(3, 4.0)],
    "ranges": [range(2), range(2)],
    "empty tuples": [(), ()],
}


def same(ours, expected):
    """Equal in structure, container types, dtypes and values."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(ours, minicnn.Tensor) and str(ours.dtype) == str(expected.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(ours.numpy(), expected.numpy())
    elif hasattr(expected, "keys"):
        assert type(ours) is type(expected) and list(ours) == list(expected)
        for key in expected:
            same(ours[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert type(ours) is type(expected) and len(ours) == len(expected)
        for one, other in zip(ours, expected):
            same(one, other)
    else:
        assert ours == expected


@pytest.mark.parametrize("name", BATCHES)
def test_collate_agrees_with_pytorch(name):
    same(data.default_collate(BATCHES[name]), reference_collate(BATCHES[name]))


@pytest.mark.parametrize("name", BATCHES)
def test_convert_agrees_with_pytorch(name):
    same(data.default_convert(BATCHES[name][0]), reference_convert(BATCHES[name][0]))


def test_a_default_dict_keeps_its_default():
    assert data.default_collate([defaultdict(list, a=1)]).default_factory is list


def test_tensors_are_stacked_and_keep_their_gradient():
    w = minicnn.ones(2, requires_grad=True)
    batch = data.default_collate([w, w * 2])
    assert batch.shape == (2, 2)
    batch.sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_the_samples_are_not_changed():
    samples = [{"a": [1, 2]}, {"a": [3, 4]}]
    data.default_collate(samples)
    assert samples == [{"a": [1, 2]}, {"a": [3, 4]}]


@pytest.mark.parametrize("batch", [[None, None], [object()], [{1}], [np.array(["a"])], [np.array([None])]])
def test_other_things_are_refused(batch):
    for collate in (reference_collate, data.default_collate):
        with pytest.raises(TypeError):
            collate(batch)


@pytest.mark.parametrize("batch", [[(1, 2), (1,)], [[1], [1, 2]], [np.zeros(2), np.zeros(3)]])
def test_unequal_samples_are_refused(batch):
    for collate in (reference_collate, data.default_collate):
        with pytest.raises(RuntimeError):
            collate(batch)


def test_an_image_is_refused_with_the_mend():
    from PIL import Image

    with pytest.raises(TypeError, match="ToTensor"):
        data.default_collate([Image.new("L", (2, 2))])
