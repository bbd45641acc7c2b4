"""Hypothesis: broadcasting, indexing and reductions over whatever shapes there are, against NumPy and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

import minicnn

SHAPES = some.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def leaf(shape, seed=0):
    values = np.asarray(np.random.default_rng(seed).integers(-9, 10, shape), np.float64)
    return minicnn.from_numpy(values).requires_grad_()


@given(some.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3, min_side=0))
def test_broadcasting_and_its_gradient(shapes):
    """z = x·y + w, whose gradients are known: those of the broadcast operands, summed over what was repeated."""
    x, y, w = (leaf(shape, seed) for seed, shape in enumerate(shapes.input_shapes))
    z = x * y + w
    u = np.asarray(np.random.default_rng(9).integers(-3, 4, shapes.result_shape), np.float64)
    z.backward(minicnn.from_numpy(u))
    assert z.shape == shapes.result_shape and np.array_equal(z.detach(), x.array * y.array + w.array)
    for t, full in ((x, u * y.array), (y, u * x.array), (w, u)):
        assert t.grad.shape == t.shape and np.array_equal(t.grad, summed(np.broadcast_to(full, shapes.result_shape), t.shape))


def summed(full, shape):
    """Added up over the positions that broadcasting made of one element, by brute force."""
    total = np.zeros(shape)
    for index in np.ndindex(full.shape):
        own = tuple(i if n > 1 or m == n else 0 for i, n, m in zip(index[len(index) - len(shape):], shape, full.shape[full.ndim - len(shape):]))
        total[own] += full[index]
    return total


@given(SHAPES.flatmap(lambda shape: st.tuples(st.just(shape), some.basic_indices(shape, allow_newaxis=True))))
def test_views_by_index(shape_and_index):
    shape, index = shape_and_index
    if any(isinstance(i, slice) and (i.step or 1) < 0 for i in (index if isinstance(index, tuple) else (index,))):
        return
    x = leaf(shape)
    y = x[index]
    assert np.array_equal(y.detach(), x.array[index]) and (np.shares_memory(y.array, x.array) or not y.numel())
    (y * 2).sum().backward()
    expected = np.zeros(shape)
    expected[index] = 2
    assert np.array_equal(x.grad, expected)


@st.composite
def fancy(draw):
    """A shape, and an index of integers, slices, None, arrays of integers and masks."""
    shape = draw(some.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    rows = draw(some.array_shapes(min_dims=0, max_dims=2, max_side=3))
    index, lengths = [], list(shape)
    while lengths and draw(st.integers(0, 5)):
        item = draw(part(lengths[0], rows))
        index.append(item)
        if item is not None:
            lengths.pop(0)
    return shape, tuple(index)


def part(n, rows):
    """What can stand in an index for a dimension of length n (or, None, for a new one)."""
    mask = some.arrays(bool, n) if rows == () else st.just(slice(None))
    return st.one_of(st.none(), st.integers(-n, n - 1), st.builds(slice, st.integers(0, n), st.integers(-1, n), st.integers(1, 2)),
                     some.arrays(np.int64, rows, elements=st.integers(-n, n - 1)), mask)


def of(library, index):
    return tuple(library.from_numpy(np.array(i)) if isinstance(i, np.ndarray) else i for i in index)


@given(fancy())
def test_any_index_as_pytorch_reads_and_writes_it(shape_and_index):
    torch = pytest.importorskip("torch")
    shape, index = shape_and_index
    x = leaf(shape)
    reference = torch.from_numpy(x.array.copy()).requires_grad_()
    try:
        expected = reference[of(torch, index)]
    except IndexError:
        with pytest.raises(IndexError):
            x[of(minicnn, index)]
        return
    y = x[of(minicnn, index)]
    assert np.array_equal(y.detach(), expected.detach())
    weights = np.arange(expected.numel(), dtype=np.float64).reshape(expected.shape)
    (expected * torch.from_numpy(weights)).sum().backward()
    (y * minicnn.from_numpy(weights)).sum().backward()
    assert np.array_equal(x.grad, reference.grad)
    _writes(torch, x, index, weights)


def _writes(torch, x, index, weights):
    """Assignment, outside and inside the graph; where an element is written twice, the value is the same."""
    value = np.full(weights.shape, 7.0)
    plain, recorded, reference = x.detach().clone(), x * 1, torch.from_numpy(x.array.copy())
    v = minicnn.from_numpy(value.copy()).requires_grad_()
    reference[of(torch, index)] = torch.from_numpy(value)
    plain[of(minicnn, index)] = minicnn.from_numpy(value)
    recorded[of(minicnn, index)] = v
    assert np.array_equal(plain, reference) and np.array_equal(recorded.detach(), reference)
    x.grad = None
    recorded.sum().backward()
    overwritten = torch.zeros(x.array.shape)
    overwritten[of(torch, index)] = 1
    assert np.array_equal(x.grad, 1 - overwritten.numpy())
    assert (0 if v.grad is None else v.grad.sum().item()) == overwritten.sum().item()   # each written element has one value


@given(SHAPES, st.data())
def test_reductions_over_any_dimensions(shape, data):
    dims = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), max_size=4, unique_by=lambda d: d % len(shape)) if shape else st.just([]))
    keepdim = data.draw(st.booleans())
    x = leaf(shape)
    axes = tuple(dims) or None
    assert np.array_equal(x.sum(dims, keepdim).detach(), x.array.sum(axes, keepdims=keepdim))
    y = (x * x).sum(dims, keepdim)
    y.sum().backward()
    assert np.array_equal(x.grad, 2 * x.array)
    if x.numel():
        assert np.array_equal(x.amax(dims, keepdim).detach(), x.array.max(axes, keepdims=keepdim))
        (g,) = minicnn.autograd.grad(x.amax(dims, keepdim).sum(), x)
        assert g.sum().item() == pytest.approx(y.numel()) and (g.array[x.array < x.array.max(axes, keepdims=True)] == 0).all()


@given(SHAPES, st.data())
def test_moves_and_their_gradients(shape, data):
    """A permutation, flip and roll put each gradient back where its element came from."""
    x = leaf(shape)
    perm = data.draw(st.permutations(range(len(shape))))
    flips = [d for d in range(len(shape)) if data.draw(st.booleans())]
    y = x.permute(perm).flip(flips).reshape(-1).roll(3)
    expected = np.roll(np.flip(x.array.transpose(perm), flips).reshape(-1), 3)
    assert np.array_equal(y.detach(), expected)
    (y * minicnn.from_numpy(expected.copy())).sum().backward()
    assert np.array_equal(x.grad, x.array)


@given(st.lists(SHAPES.filter(len), min_size=1, max_size=1), st.data())
def test_what_is_joined_can_be_cut_again(shapes, data):
    shape = shapes[0]
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    pieces = [leaf([*shape[: dim % len(shape)], n, *shape[dim % len(shape) + 1 :]], n) for n in lengths]
    joined = minicnn.cat(pieces, dim)
    for piece, again in zip(pieces, joined.split(lengths, dim)):
        assert np.array_equal(piece.detach(), again.detach())
    (joined * joined).sum().backward()
    for piece in pieces:
        assert np.array_equal(piece.grad, 2 * piece.array)
