"""out = a @ b by cuBLAS, on the operands as they lie: transposed views, parts of wider matrices, several matrices at once.

(`cupy.matmul` copies operands of more than two axes, and cannot write into a part of a matrix.) What bounds it: the multipliers.
"""

import cupy
import numpy as np
from cupy.cuda import cublas, device

# alpha and beta, in the computer's own memory, where cuBLAS looks for them.
_NUMBERS = {(kind, value): np.full(1, value, kind) for kind in ("f", "d") for value in (0, 1)}


def gemm(a, b, out, add=False):
    """out = a @ b, or out += a @ b: (M, K) @ (K, N) -> (M, N), or G of each, (G, M, K) @ (G, K, N) -> (G, M, N).

    The rows of `out` must be contiguous. cuBLAS thinks in columns: to it, what we call out is outᵀ (N, M) = bᵀ (N, K) @ aᵀ (K, M).
    """
    if not out.size:
        return
    (*_, m, k), n, kind = a.shape, b.shape[-1], out.dtype.char
    if not k:
        out.fill(0) if not add else None
        return
    (a, a_op, a_step), (b, b_op, b_step) = _operand(a), _operand(b)
    one, beta = (_NUMBERS[kind, value].ctypes.data for value in (1, int(add)))
    steps = lambda x: (x.strides[0] // x.itemsize,) if out.ndim == 3 else ()                                  # noqa: E731
    function = getattr(cublas, f"{'s' if kind == 'f' else 'd'}gemm{'StridedBatched' if out.ndim == 3 else ''}")
    function(device.get_cublas_handle(), b_op, a_op, n, m, k, one, b.data.ptr, b_step, *steps(b), a.data.ptr, a_step, *steps(a), beta,
             out.data.ptr, _row_step(out), *steps(out), *([len(out)] if out.ndim == 3 else []))


def _operand(x):
    """The matrix, whether cuBLAS is to transpose it, and the elements from one of its rows (or columns, then) to the next."""
    (rows, columns), item = x.shape[-2:], x.itemsize
    if (x.strides[-1] == item or columns == 1) and _row_step(x) >= columns:
        return x, cublas.CUBLAS_OP_N, _row_step(x)
    other = x.swapaxes(-1, -2)
    if (x.strides[-2] == item or rows == 1) and _row_step(other) >= rows:
        return x, cublas.CUBLAS_OP_T, _row_step(other)
    return _operand(cupy.ascontiguousarray(x))


def _row_step(x):
    """Elements from one row to the next; of a single row, its length."""
    return x.strides[-2] // x.itemsize if x.shape[-2] > 1 else max(x.shape[-1], 1)
