"""The dense layer's compiled kernels against the other forms, and BLAS held to one thread around them."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import kernels
from minicnn.kernels import array, loops

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")
from helpers.threads import threads_set_to  # noqa: E402

from minicnn.kernels.cpu import blas, dense  # noqa: E402

TOLERANCE = {"float32": 2e-6, "float64": 1e-14}
ROOT = Path(__file__).parents[2]


@contextmanager
def limits(**values):
    """Within the block, the limits by which a product's kernel is chosen are these."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(dense, name, value)
        dense._work.cache_clear()
        try:
            yield
        finally:
            dense._work.cache_clear()


@pytest.fixture
def however_small():
    """The compiled loops take what is otherwise left to NumPy, and cut it up as they would something large."""
    with limits(FEW=0, FEW_SUMMED=0, SMALL=1):
        yield


def agree(found, wanted, dtype, depth):
    assert found.shape == wanted.shape and found.dtype == dtype
    assert np.abs(found - wanted).max(initial=0) <= TOLERANCE[found.dtype.name] * max(depth, 16) ** 0.5 * np.abs(wanted).max(initial=1)


def laid_out(x, layout):
    """The same numbers, lying otherwise in memory."""
    if layout == "transposed":
        return np.ascontiguousarray(x.T).T
    if layout == "every second":
        return np.repeat(x, 2, -1)[..., ::2]
    x.flags.writeable = layout != "read only"
    return x


layouts = st.sampled_from(["as usual", "transposed", "every second", "read only"])
lengths = st.one_of(st.integers(1, 70), st.sampled_from([128, 300, 513, 1100, 2100]))


@settings(max_examples=120)
@given(dtype=st.sampled_from(["float32", "float64"]), n=st.lists(st.sampled_from([0, 1, 2, 3, 7, 9, 33, 70]), max_size=2), i=lengths,
       o=lengths, bias=st.booleans(), layout=layouts, count=st.integers(1, 3), few=st.booleans(), seed=st.integers(0, 99))
def test_all_passes(dtype, n, i, o, bias, layout, count, few, seed):
    rng, most = np.random.default_rng(seed), 1 << 30 if few else 0
    x, w, b, dy = (rng.standard_normal(s).astype(dtype) for s in ((*n, i), (o, i), (o,), (*n, o)))
    exact = [a.astype(np.float64) for a in (x, w, b, dy)]
    x, w, b, dy = (laid_out(a, layout) for a in (x, w, b, dy))
    with threads_set_to(count), limits(FEW=most, FEW_SUMMED=most, SMALL=1, WEIGHTS=1):
        y, dx, dw = cpu.linear(x, w, b if bias else None), cpu.linear_dx(dy, w), cpu.linear_dw(dy, x)
        cut = cpu.linear_relu(x, w, b if bias else None)
        again = [cpu.linear(x, w, b if bias else None), cpu.linear_dx(dy, w), cpu.linear_dw(dy, x)]
    assert [a.tobytes() for a in (y, dx, dw)] == [a.tobytes() for a in again]
    x, w, b, dy = exact
    agree(y, array.linear(x, w, b if bias else None), dtype, i)
    np.testing.assert_array_equal(cut, array.relu(y), strict=True)
    agree(dx, array.linear_dx(dy, w), dtype, o)
    agree(dw, array.linear_dw(dy, x), dtype, x.size // max(i, 1))


@pytest.mark.parametrize("shape", [(3,), (5, 3), (1, 3), (2, 4, 3), (0, 3)], ids=str)
def test_all_forms(shape, however_small):
    rng = np.random.default_rng(0)
    x, w, b, dy = (rng.standard_normal(s) for s in (shape, (4, 3), (4,), (*shape[:-1], 4)))
    for form in (cpu, array):
        agree(form.linear(x, w, b), loops.linear(x, w, b), np.float64, 3)
        agree(form.linear_relu(x, w, b), loops.linear_relu(x, w, b), np.float64, 3)
        agree(form.linear_relu(x, w, None), loops.linear_relu(x, w, None), np.float64, 3)
        agree(form.linear_dx(dy, w), loops.linear_dx(dy, w), np.float64, 4)
        agree(form.linear_dw(dy, x), loops.linear_dw(dy, x), np.float64, 20)


# Remainders everywhere; and what computes so many examples of these sizes: the kernel for many, that for a few, or BLAS.
SIZES = [*(((n,), 259, 261, "few") for n in range(1, 12)), *(((n,), 259, 261, "BLAS") for n in range(12, 16)), ((16,), 259, 261, "many"),
         ((), 259, 261, "few"), ((2, 3), 300, 257, "few"), ((70,), 301, 67, "many"), ((3, 5, 7), 131, 83, "many"), ((129,), 600, 33, "many"),
         ((9,), 37, 19, "BLAS"), ((2, 3), 37, 19, "BLAS"), ((0,), 37, 19, "BLAS"), ((2, 0), 37, 19, "BLAS")]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape, ins, outs, way", SIZES, ids=str)
def test_a_relu_behind_it(shape, ins, outs, way, dtype, bias, count):
    """Bit by bit what a ReLU makes of the dense layer, and near what it is in float64; NaN stays NaN, and infinity what it is."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((*shape, ins), (outs, ins), outs))
    if x.ndim > 1:
        x[..., -1:, 3] = np.nan
    b[2], b[-1] = -np.inf, np.inf
    b = b if bias else None
    with limits(SMALL=1 << 20):                 # as with the widest vectors
        work = dense._work(dense.linear_loop, x.shape, ins, outs, x.itemsize)
    assert ("BLAS" if work is None else "many" if work.kernel is dense.linear_loop else "few") == way
    given = [None if a is None else a.copy() for a in (x, w, b)]
    with threads_set_to(count):
        y, found = cpu.linear(x, w, b), cpu.linear_relu(x, w, b)
    np.testing.assert_array_equal(found, array.relu(y), strict=True)
    exact = [None if a is None else a.astype(np.float64) for a in given]
    tolerance = TOLERANCE[dtype] * ins**0.5 * 10
    np.testing.assert_allclose(found, array.linear_relu(*exact), rtol=tolerance, atol=tolerance)
    for one, other in zip((x, w, b), given):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["float16", "longdouble"])
def test_a_relu_behind_other_floats(dtype):
    """They are NumPy's affair."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((4, 5), (3, 5), 3))
    np.testing.assert_array_equal(cpu.linear_relu(x, w, b), array.relu(array.linear(x, w, b)), strict=True)


def test_the_layer_uses_them(however_small):
    """Value and all gradients of a model's layer, next to NumPy's."""
    rng = np.random.default_rng(0)
    x, layer = minicnn.tensor(rng.standard_normal((6, 2, 20)).astype("f"), requires_grad=True), minicnn.nn.Linear(20, 7)
    found = {}
    for form in ("array", "numba"):
        layer.zero_grad()
        x.grad = None
        with kernels.using(form):
            y = layer(x)
            (y * y).sum().backward()
        found[form] = [t.array.copy() for t in (y.detach(), x.grad, layer.weight.grad, layer.bias.grad)]
    for one, other in zip(found["numba"], found["array"]):
        agree(one, other, np.float32, 20)


@pytest.mark.parametrize("shapes", [((5, 6), (6, 7)), ((2, 5, 6), (2, 6, 7)), ((3, 1, 5, 6), (6, 7)), ((40, 60), (60, 50))], ids=str)
@pytest.mark.parametrize("swapped", [False, True])
def test_matrix_products(shapes, swapped, however_small):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape) for shape in shapes)
    y = np.ascontiguousarray(y.swapaxes(-1, -2)).swapaxes(-1, -2) if swapped else y
    np.testing.assert_allclose(cpu.matmul(x, y), x @ y, atol=1e-12)
    with kernels.using("numba"):
        np.testing.assert_allclose(minicnn.matmul(minicnn.Tensor(x), minicnn.Tensor(y)).array, x @ y, atol=1e-12)
        np.testing.assert_array_equal(minicnn.matmul(minicnn.tensor([[1, 2]]), minicnn.tensor([[3], [4]])).array, [[11]])


def test_other_vector_widths():
    code = """
import numpy as np
from minicnn.kernels import array, cpu
from minicnn.kernels.cpu import dense
dense.SMALL = dense.WEIGHTS = 1
rng = np.random.default_rng(0)
for n, i, o in ((9, 70, 33), (64, 20, 10), (5, 600, 3), (20, 2100, 30), (2, 70, 33), (40, 4, 30), (600, 5, 30)):
    x, w, b, dy = (rng.standard_normal(s).astype("f") for s in ((n, i), (o, i), (o,), (n, o)))
    for name, arguments in (("linear", (x, w, b)), ("linear_relu", (x, w, b)), ("linear_dx", (dy, w)), ("linear_dw", (dy, x))):
        found, wanted = (getattr(form, name)(*arguments) for form in (cpu, array))
        assert abs(found - wanted).max() < 1e-5 * abs(wanted).max(), name
print(dense.MACHINE.bytes)
"""
    for features, width in (("+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+sse4.2,+popcnt", "32"), ("", "16")):
        environment = {"NUMBA_CPU_NAME": "haswell" if features else "generic", "NUMBA_CPU_FEATURES": features}
        ran = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                             capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == width


AT_A_WALL = """
import ctypes, mmap
import numpy as np
from minicnn.kernels.cpu import dense

PAGE, kept, real = mmap.PAGESIZE, [], dense.empty

def ending_at_a_wall(shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size >= PAGE:
        return real(shape, dtype)
    kept.append(mmap.mmap(-1, 2 * PAGE))
    memory = np.frombuffer(kept[-1], np.uint8)
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(memory.ctypes.data + PAGE), ctypes.c_size_t(PAGE), 0) == 0
    return memory[PAGE - size : PAGE].view(dtype).reshape(shape)

dense.empty = ending_at_a_wall
ones = lambda *shape: np.ones(shape, "f")
print((dense.linear_dx(ones(17, 3100), ones(3100, 20)) == 3100).all(), (dense.linear_dw(ones(3000, 20), ones(3000, 20)) == 3000).all())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects memory as Linux does")
def test_small_results_are_not_read_beyond_their_end():
    """Sums that are carried on are read from where they were written, and where that ends is a page that nobody may read."""
    ran = subprocess.run([sys.executable, "-c", AT_A_WALL], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip()) == (0, "True True"), ran.stderr


# BLAS in one thread --------------------------------------------------------------------------------------------------------


class Library:
    """A BLAS that only counts."""

    def __init__(self, threads):
        self.threads, self.told = threads, []

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, count):
        self.threads = count
        self.told.append(count)


@pytest.fixture
def libraries(monkeypatch):
    some = [Library(4), Library(1), Library(2)]
    monkeypatch.setattr(blas, "_libraries", lambda: some)
    return some


def test_blas_has_one_thread_inside_and_as_many_as_before_after(libraries):
    with blas.one_thread():
        assert [library.threads for library in libraries] == [1, 1, 1]
        with blas.one_thread():
            assert [library.threads for library in libraries] == [1, 1, 1]
        assert [library.threads for library in libraries] == [1, 1, 1]
    assert [library.threads for library in libraries] == [4, 1, 2]
    assert libraries[1].told == []


def test_blas_has_as_many_threads_as_before_after_an_error(libraries):
    with pytest.raises(ZeroDivisionError), blas.one_thread():
        raise ZeroDivisionError
    assert [library.threads for library in libraries] == [4, 1, 2]


def test_numpys_own_blas_is_found_and_put_back():
    code = """
import numpy as np, threadpoolctl
from minicnn import kernels
from minicnn.kernels.cpu import blas
count = lambda: [one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
before = count()
with blas.one_thread():
    assert count() and set(count()) == {1}
assert count() == before
a = np.ones((3, 200, 200))
with kernels.using("numba"):
    kernels.of(a).matmul(a, a)
    try:
        kernels.of(a).matmul(a, a[:, :7])
    except ValueError:
        pass
assert count() == before
print(*before)
"""
    ran = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "2"},
                         capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == {"2"}


@pytest.mark.parametrize("call", [
    lambda a: cpu.matmul(a[None], a[None]), lambda a: cpu.einsum("ij,jk->ik", a, a), lambda a: cpu.linear(a[:1], a, None),
    lambda a: cpu.linear_relu(a[:1], a, None), lambda a: cpu.linear_dx(a[:1], a)])
def test_what_numpy_computes_runs_in_one_thread(call, libraries):
    call(np.ones((150, 150)))
    assert libraries[0].told == [1, 4]
