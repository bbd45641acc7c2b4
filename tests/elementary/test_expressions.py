"""One line of PyTorch each: both libraries must come to the same value, dtype and shape, or both refuse.

`t` is the library; x (2, 3), v (3,), s () are floats, i (2, 3) and j (3,) int64, b (2, 3) bool, n an ndarray.
"""

import numpy as np
import pytest

import minicnn

torch = pytest.importorskip("torch")

REFUSALS = (RuntimeError, ValueError, TypeError, IndexError)

EXPRESSIONS = """
# promotion
x + i | i + i | i + b | b + b | b * b | i / i | i / 2 | x / i | i // 2 | -i // 2 | i % 2 | x % 2 | -x % 2 | x // 2 | -x // 0.7
i * 0.5 | i * True | b * 2 | b + 0.5 | s + i | t.tensor(2) * x | t.tensor(2.0, dtype=t.float64) * x | t.tensor(2.0, dtype=t.float64) * i
x.double() + x | x.double() * t.tensor(1.0) | i.int() + i | i.int() * 2 | t.tensor(1, dtype=t.uint8) + t.tensor([1], dtype=t.int8)
2 + x | 2 - x | 2 * i | 2 / x | 2 / i | 7 // x | 7 % i.abs().add(1) | 2 ** x | 2 ** i.abs() | x ** 2 | x ** -1 | x ** 0 | i ** 2 | x.abs() ** i
t.add(x, i, alpha=2) | t.add(2, x) | t.add(2, 3) | t.add(i, i, alpha=0.5) | t.sub(x, 1, alpha=3) | t.add(x, True) | t.mul(2, x) | t.true_divide(2, x)
t.div(i, 2, rounding_mode="floor") | t.div(-i, 2, rounding_mode="trunc") | t.div(x, 0.7, rounding_mode="trunc") | t.div(x, 2, rounding_mode="up")
i // 0 | i % 0 | x // 0 | b - b | -b | b - True | i ** -1 | 2 ** -i | t.pow(2, 3) | t.remainder(2, 3) | t.remainder(2, x) | b ** 2
x & x | i & 1 | i | 2 ^ i | ~i | ~b | ~x | b & b | b ^ True | x == None | x != None | x == "a" | x < "a" | x + None | x + "a" | x + [1, 2, 3]
x + t.ones(4) | x * t.ones(2, 2) | x + t.ones(5, 1, 3) | x == t.ones(4) | t.ones(0) + t.ones(1) | t.ones(0) + t.ones(3)
# functions of one number
x.exp() | x.abs().log() | (-x).log() | t.log(t.zeros(2)) | x.sqrt() | i.exp() | i.abs().sqrt() | b.exp() | x.expm1() | x.abs().log1p() | x.rsqrt()
x.reciprocal() | i.reciprocal() | x.square() | i.square() | b.square() | x.abs() | i.abs() | b.abs() | x.sin() | x.cos() | x.tanh() | x.sigmoid() | i.sigmoid()
t.sigmoid(t.tensor([-1000.0, 1000.0])) | x.sign() | i.sign() | b.sign() | x.neg() | i.neg() | x.floor() | x.ceil() | x.round() | x.trunc() | i.floor()
t.round(t.tensor([0.5, 1.5, 2.5, -0.5])) | t.round(x, decimals=1) | t.relu(x) | t.relu(i) | t.exp(3) | t.exp([1.0]) | t.neg("a") | t.erf(x)
x.clamp(0, 1) | x.clamp(min=0) | x.clamp(max=0) | x.clamp(1, 0) | i.clamp(0.5) | i.clamp(0, 1) | x.clamp() | x.clamp(v) | x.clamp(v, 2 * v)
t.clip(x, -1, 1) | b.clamp(0)
# two operands, conditions
t.maximum(x, v) | t.maximum(x, 1) | t.minimum(i, x) | t.maximum(t.tensor([float("nan"), 1.0]), t.tensor(0.0)) | t.max(x, v) | t.min(i, j) | t.max(x, 1.0)
t.where(b, x, v) | t.where(b, 1, 2) | t.where(b, 1.0, 2) | t.where(b, x, 0) | t.where(x, x, x) | t.where(b, i, x) | x.where(b, v) | t.where(b) | t.where(True, x, x)
x.eq(1) | t.eq(1, x) | t.ne(x, v) | i.lt(x) | t.le(i, 1.5) | x.gt(s) | x >= 0 | t.isnan(x / 0 * 0) | t.isinf(x / 0) | t.isfinite(i) | t.isnan(1.0)
t.isclose(x, x + 1e-9) | t.isclose(x, i) | t.allclose(x, x * 1.1) | t.allclose(x, t.ones(4)) | t.isclose(x, x, rtol=-1) | t.isclose(x, x, atol=-1)
t.equal(x, x.clone()) | t.equal(x, v) | t.equal(x, 1) | t.equal(t.tensor([float("nan")]), t.tensor([float("nan")])) | t.isclose(s / 0, s / 0, equal_nan=True)
t.logical_and(x, i) | t.logical_or(b, b) | t.logical_xor(i, 1) | t.logical_not(x) | b.logical_not() | (b & (x > 0)).sum()
# reductions
x.sum() | x.sum(0) | x.sum(-1) | x.sum((0, 1)) | x.sum([1]) | x.sum(dim=()) | x.sum(1, True) | x.sum(axis=1, keepdims=True) | i.sum() | b.sum() | b.sum(0) | s.sum(0) | s.sum(-1)
x.sum(2) | x.sum(-3) | x.sum((0, 0)) | x.sum((0, -2)) | x.sum(0.5) | s.sum(1) | i.sum(dtype=t.float32) | i.sum(dtype=t.int32) | i.cumsum(0, dtype=t.int32) | x.sum(0, dtype=t.float64) | t.sum(x, 1, keepdim=True) | t.zeros(0, 3).sum(0)
x.mean() | x.mean(1) | x.mean([0, 1], keepdim=True) | i.mean() | i.mean(dtype=t.float64) | t.zeros(0).mean() | x.mean((0,), True) | t.mean(x, axis=0)
x.var() | x.var(1) | x.var(0, False) | x.var(unbiased=False) | x.var(False) | x.var((0, 1), correction=0) | x.std(1, keepdim=True) | x.std(0, True, True) | i.var() | t.ones(1).std(unbiased=False)
x.var(1, correction=2) | x.var(dim=1, correction=0, keepdim=True) | t.std(x, 0, unbiased=False)
x.amax() | x.amax(1) | x.amin((0, 1)) | x.amax(dim=0, keepdim=True) | i.amax(1) | b.amax() | t.zeros(0, 2).amax(0) | t.zeros(2, 0).amax(0) | t.zeros(0).amax()
x.max() | x.min() | i.max() | b.max() | x.max(1) | x.min(dim=0, keepdim=True) | t.max(x, 1) | t.max(x, 1, True) | t.max(x, dim=1)[0] | t.min(x, axis=0).indices | x.max(1).values | t.zeros(0).max()
t.tensor([1.0, float("nan"), 2.0]).max() | t.tensor([1.0, float("nan")]).argmax() | t.tensor([3.0, 1.0, 3.0]).max(0) | t.tensor([1, 0, 0]).argmin()
x.argmax() | x.argmax(1) | x.argmin(0, True) | x.argmax(keepdim=True) | s.argmax() | s.argmax(0) | x.argmax(2) | t.zeros(0).argmax() | t.zeros(0, 2).argmax(1) | t.argmax(x, dim=-1)
b.any() | b.all() | b.any(1) | x.all(0) | i.any((0, 1)) | b.all(1, keepdim=True) | t.zeros(0).any() | t.zeros(0).all() | t.ones(2, dtype=t.uint8).all()
x.cumsum(0) | x.cumsum(-1) | i.cumsum(1) | b.cumsum(0) | s.cumsum(0) | x.cumsum(2) | i.cumsum(0, dtype=t.float32)
x.logsumexp(1) | x.logsumexp((0, 1)) | t.logsumexp(x, 0, True) | t.logsumexp(x * 1000, 1) | t.logsumexp(t.tensor([float("-inf")] * 2), 0) | i.logsumexp(0)
x.softmax(1) | x.softmax(-1) | t.softmax(x * 1000, 0) | x.log_softmax(0) | t.log_softmax(x, dim=1, dtype=t.float64) | i.softmax(0) | i.softmax(0, dtype=t.float32) | s.softmax(0) | x.softmax(2)
x.norm() | x.norm(1) | x.norm(dim=1) | x.norm(float("inf"), 0) | x.norm(0) | x.norm(2, (0, 1), True) | x.norm(3, 1) | t.norm(x, p=1, dim=0) | i.norm() | x.norm("nuc") | x.norm("x")
# shapes
x.reshape(3, 2) | x.reshape(-1) | x.reshape((3, -1)) | x.reshape(4, -1) | x.reshape(-1, -1) | x.reshape(-2, 3) | x.reshape(shape=(6,)) | x.view(6) | x.view(-1, 2) | x.view_as(t.ones(6)) | t.reshape(x, (6,))
t.zeros(0, 3).reshape(3, -1) | t.zeros(0).reshape(-1, 0) | s.reshape(1, 1) | s.view(()) | x.flatten() | x.flatten(1) | t.ones(2, 3, 4).flatten(0, 1) | t.ones(2, 3, 4).flatten(1, 0) | s.flatten()
x.unflatten(1, (3, 1)) | t.ones(6, 2).unflatten(0, (2, -1)) | x.unflatten(1, (2, 2)) | x.unflatten(2, (1,)) | t.ones(1, 3, 1).squeeze() | t.ones(1, 3, 1).squeeze(0) | t.ones(1, 3, 1).squeeze((0, 2))
t.ones(1, 3).squeeze(1) | t.ones(1, 3).squeeze(2) | s.squeeze() | s.squeeze(0) | x.unsqueeze(0) | x.unsqueeze(-1) | x.unsqueeze(3) | x[:, None] | s.unsqueeze(0) | t.unsqueeze(x, axis=1)
x.permute(1, 0) | x.permute((1, 0)) | x.permute(dims=(1, 0)) | x.permute(0) | x.permute(0, 0) | x.permute(0, 2) | t.permute(x, (1, 0)) | t.ones(2, 3, 4).permute(-1, 0, 1)
x.transpose(0, 1) | x.transpose(0, 2) | s.transpose(0, -1) | t.ones(2, 3, 4).transpose(-1, 0) | x.t() | v.t() | t.ones(2, 3, 4).t() | x.T | x.mT | v.mT | t.ones(2, 3, 4).movedim(0, -1) | t.ones(2, 3, 4).movedim((0, 1), (1, 2))
t.ones(2, 3, 4).movedim((0, 0), (1, 2)) | x.swapaxes(0, 1) | v.expand(2, 3) | v.expand(2, -1) | v.expand(-1, 3) | v.expand(3, 2) | v.expand((4, 3)) | x.expand(3) | v.expand_as(x) | s.expand(2, 2) | t.ones(1).expand(0)
t.broadcast_to(v, (2, 3)) | t.broadcast_to(v, (3, 2)) | v.broadcast_to((2, 3)) | v.repeat(2) | v.repeat(2, 2) | x.repeat(2) | v.repeat(0) | v.repeat((2, 1)) | s.repeat(3) | v.repeat(-1)
x.flip(0) | x.flip(0, 1) | x.flip((-1,)) | x.flip(dims=[1]) | x.flip(0, 0) | x.flip(2) | x.roll(1) | x.roll(1, 0) | x.roll((1, -1), (0, 1)) | x.roll(1, 2) | x.roll((1, 2), 0)
t.cat([x, x]) | t.cat([x, x], 1) | t.cat((x, x), dim=-1) | t.cat([x, i]) | t.cat([x, v]) | t.cat([x, x.T]) | t.cat([]) | t.cat(x) | t.cat([x, t.zeros(0)]) | t.cat([x, 1]) | t.cat([s, s]) | t.cat([x, x], axis=1) | t.cat([x], 2)
t.stack([x, x]) | t.stack([x, x], -1) | t.stack([v, v], dim=1) | t.stack([x, v]) | t.stack([]) | t.stack([s, s]) | t.stack([i, x]) | t.stack([x], 3)
x.split(1) | x.split(2, 1) | x.split([1, 2], dim=1) | x.split([1, 1], 1) | x.split(0) | x.split(-1) | s.split(1) | t.split(x, 2, dim=1) | x.split(5) | t.zeros(0).split(2) | x.split([3, 0, 0], 1)
x.chunk(2) | x.chunk(2, 1) | x.chunk(5, -1) | x.chunk(0) | s.chunk(1) | t.chunk(v, 2) | t.zeros(0).chunk(2) | x.unbind() | x.unbind(1) | s.unbind() | x.select(1, -1) | x.select(0, 2) | x.narrow(1, 1, 2) | x.narrow(1, -2, 2) | x.narrow(1, 2, 2)
x.diagonal() | t.ones(2, 3, 4).diagonal(1, 0, 2) | v.diagonal()
# reading by index
x[0] | x[-1] | x[0, 1] | x[2] | x[:, 0] | x[..., 1] | x[None] | x[:, None, 1] | x[1:] | x[:, ::2] | x[::-1] | x[1:1] | x[0:100] | x[...] | x[()] | x[0][1] | x[0, 0, 0] | x[0.5] | x["a"] | s[0] | s[None] | s[...]
x[b] | x[x > 0] | x[[1, 0]] | x[[0, 1], [1, 2]] | x[:, [2, 0]] | x[j.abs() % 2] | x[i.abs() % 2, 0] | x[0, j.abs() % 3] | x[t.tensor(1)] | x[t.tensor(True)] | x[True] | x[False] | x[t.tensor([True, False])] | x[:, t.tensor([True, False])]
x[t.tensor([0.5])] | x[[5]] | x[t.tensor([[0, 1], [1, 0]])] | x[t.tensor([], dtype=t.int64)] | x[[]] | x[range(2)] | x[[True, False]] | x[np.array([1, 0])] | x[np.int64(1)] | x[-3] | x[:, -4:-1]
t.ones(2, 3, 4)[0, :, [1, 2]] | t.ones(2, 3, 4)[:, [0, 1], [1, 2]] | t.ones(2, 3, 4)[[0, 1], :, [1, 2]] | t.ones(2, 3, 4)[[[0, 1]], ..., 0] | t.ones(2, 3, 4)[1, [0, 2], 1:3] | t.ones(2, 3, 4)[None, 0, [1, 2], None, ::2]
t.arange(24).reshape(2, 3, 4)[1, :, [1, 2]] | t.arange(24).reshape(2, 3, 4)[[1, 0], 0, :] | t.arange(24).reshape(2, 3, 4)[..., 0, [1]] | t.arange(6).reshape(2, 3)[t.tensor([[True, False, True], [False, True, False]])]
x.gather(1, i.abs() % 3) | t.gather(x, 0, i.abs() % 2) | x.gather(1, i) | x.gather(1, i.abs() % 3 + 5) | x.gather(1, x) | x.gather(1, j.abs() % 3) | x.gather(2, i.abs() % 3) | s.gather(0, t.tensor(0)) | x.gather(0, (i.abs() % 2)[:1])
x.index_select(1, j.abs() % 3) | x.index_select(0, t.tensor(1)) | x.index_select(0, i) | x.index_select(0, j + 10) | x.index_select(1, v) | t.index_select(s, 0, t.tensor([0]))
x.masked_fill(b, 5) | x.masked_fill(b, s) | x.masked_fill(b, v) | i.masked_fill(b, 2.7) | x.masked_fill(x, 1) | x.masked_fill(b[0], -1e9) | x.masked_select(b) | x.masked_select(b[0]) | x.masked_select(x)
x.sort() | x.sort(0, True) | i.sort(1, descending=True) | t.sort(v, stable=True) | x.sort(2) | s.sort() | v.argsort() | v.argsort(descending=True) | t.sort(t.tensor([2.0, float("nan"), 1.0])) | t.sort(t.tensor([2.0, float("nan"), 1.0]), descending=True)
x.topk(2) | x.topk(1, 0) | x.topk(2, largest=False) | v.topk(4) | v.topk(-1) | v.topk(0) | s.topk(1) | x.topk(2, 1).indices | t.topk(v, k=2, sorted=True).values | x.nonzero() | b.nonzero(as_tuple=True) | s.nonzero()
# products
x @ x.T | x @ v | v @ v | v @ x.T | x @ x | t.matmul(x, s) | t.ones(2, 2, 3) @ v | t.ones(5, 1, 2, 3) @ t.ones(4, 3, 2) | t.ones(2, 2, 3) @ t.ones(3, 3, 2) | i @ i.T | x @ i.T | x @ x.T.double()
t.mm(x, x.T) | t.mm(x, v) | t.bmm(x[None], x.T[None]) | t.bmm(x, x) | t.bmm(t.ones(2, 3, 4), t.ones(1, 4, 3)) | t.mv(x, v) | t.dot(v, v) | t.outer(v, v) | t.outer(x, v) | v.outer(v[:2]) | t.zeros(2, 0) @ t.zeros(0, 3) | t.zeros(0, 3) @ t.zeros(3, 2)
t.einsum("ij,kj->ik", x, x) | t.einsum("ij->", x) | t.einsum("ij->ji", x) | t.einsum("ij,ij->i", x, x) | t.einsum("...j,j->...", x, v) | t.einsum("i,j", v, v) | t.einsum("ii->i", x @ x.T) | t.einsum("ii", x @ x.T) | t.einsum("ij,jk", x, x.T)
t.einsum("ij,jk->ikj", x, x) | t.einsum("ij", v) | t.einsum("ij->ik", x) | t.einsum("i->ii", v) | t.einsum("ij,ij", x) | t.einsum("i1->i", x) | t.einsum("ij , jk -> ki", x, x.T) | t.einsum("bij,bjk->bik", x[None], x.T[None]) | t.einsum("ijk,ij", x[None], x) | t.einsum(x, [0, 1], x, [2, 1], [0, 2])
t.einsum("ij,jk,kl->il", x, x.T, x) | t.einsum("...ij->...ji", x[None]) | t.einsum("i...->...", x) | t.einsum("ij,j->i", x, v) | t.einsum("ij,jk->ik", t.ones(2, 1), t.ones(3, 2))
# counting
t.bincount(t.tensor([0, 2, 2])) | t.bincount(t.tensor([0, 2]), minlength=5) | t.bincount(t.tensor([0, 2, 2]), weights=v) | t.bincount(t.tensor([-1])) | t.bincount(v) | t.bincount(i) | t.bincount(t.tensor([], dtype=t.int64)) | t.bincount(t.tensor([1]), minlength=-1)
# making
t.zeros(2, 3) | t.zeros((2, 3)) | t.zeros(size=(2,)) | t.zeros(()) | t.zeros(-1) | t.zeros(2.0) | t.zeros(2, dtype=t.int64) | t.ones(2, dtype=float) | t.ones(2, dtype=int) | t.full((2,), 1) | t.full((2,), 1.5) | t.full((2,), True) | t.full(2, 1.0) | t.full((2,), 1e300)
t.arange(3) | t.arange(1, 3) | t.arange(3, 0, -1) | t.arange(0, 1, 0.25) | t.arange(5, 0) | t.arange(0) | t.arange(1, 2, 0) | t.arange(3.0) | t.arange(3, dtype=t.float64) | t.arange(float("inf")) | t.arange(end=3) | t.arange(start=1, end=4, step=2) | t.arange(t.tensor(3))
t.linspace(0, 1, 5) | t.linspace(0, 1, 1) | t.linspace(0, 1, 0) | t.linspace(0, 1, -1) | t.linspace(0, 10, 4, dtype=t.int64) | t.linspace(1, -1, steps=3) | t.eye(2) | t.eye(2, 3) | t.eye(-1) | t.eye(2, dtype=t.int64)
t.zeros_like(i) | t.ones_like(x, dtype=t.int64) | t.full_like(x, 3) | t.zeros_like([1]) | t.empty(2, 3).shape | t.empty_like(i).dtype | x.new_zeros(2) | i.new_ones((2, 2)) | x.new_full((2,), 3) | i.new_tensor([1.7]) | x.new_empty(2).shape
t.tensor(1) | t.tensor(1.0) | t.tensor(True) | t.tensor([1, 2.5]) | t.tensor([True, 2]) | t.tensor([]) | t.tensor([[]]) | t.tensor([[1], [2]]) | t.tensor([[1], [1, 2]]) | t.tensor("a") | t.tensor(["a"]) | t.tensor((1, (2,))) | t.tensor(range(3)) | t.tensor({1: 2})
t.tensor(np.float64(2)) | t.tensor(np.int32(2)) | t.tensor([np.float64(2), 1]) | t.tensor([np.float32(2), 1]) | t.tensor(np.array([1, 2])) | t.tensor([np.array([1.0, 2.0]), np.array([3.0, 4.0])]) | t.tensor([t.tensor(1), t.tensor(2)]) | t.tensor([t.tensor(1.5), 2])
t.tensor([1.5], dtype=t.int64) | t.tensor([0, 2], dtype=t.bool) | t.tensor(1, dtype=t.float64) | t.tensor(1e300) | t.tensor(2**70) | t.tensor([1, 2], requires_grad=True) | t.as_tensor(n) | t.as_tensor([1, 2]) | t.as_tensor(x) is x | t.from_numpy(n) | t.from_numpy([1]) | t.as_tensor(n, dtype=t.float32)
t.Tensor([1, 2]) | t.Tensor(2, 3).shape | t.Tensor().shape | t.Tensor([[1.5]]) | t.Tensor(x.shape).shape | isinstance(x, t.Tensor) | t.is_tensor(x) | t.numel(x)
t.rand(2, 3).shape | t.randn((2,)).dtype | t.randn(2, dtype=t.float64).dtype | t.rand(2, dtype=t.int64) | t.randint(5, (2,)).dtype | t.randint(0, 5, (2, 2)).shape | t.randint(5, 5, (1,)) | t.randint(0, 2, size=(3,)).shape | t.randperm(4).sort().values | t.randperm(-1) | t.rand_like(x).shape | t.randn_like(i) | t.randint_like(i, 3).dtype
t.bernoulli(t.ones(3)) | t.bernoulli(t.tensor([2.0])) | t.normal(0.0, 1.0, (2,)).shape | t.normal(v, v.abs()).shape
# conversions
x.double() | x.long() | x.int() | x.bool() | i.float() | b.float() | x.to(t.int64) | x.to("cpu") | x.to(i) | x.to(dtype=t.float64) | x.to(x.device, t.float64) | x.type_as(i) | x.to("gpu") | x.to(t.float32) is x | x.float() is x | x.cpu() is x | x.to(x.dtype, copy=True) is x
x.item() | s.item() | i[0, 0].item() | b[0, 0].item() | x.tolist() | s.tolist() | float(s) | int(s) | bool(s) | float(x) | bool(x) | bool(t.zeros(0)) | len(x) | len(s) | list(v) | [r.shape for r in x] | list(s) | 1.0 in v | v in v | sum(v)
f"{s:.2f}" | f"{v:.2f}" | range(5)[t.tensor(2)] | range(5)[s] | [1, 2, 3][t.tensor(1)] | x.numpy() | np.asarray(x) | np.array(i) | n + v[:2].double().numpy() | x.size() | x.size(0) | x.size(-1) | x.size(2) | s.size(0) | x.shape | x.shape[0] | x.shape[1:] | tuple(x.shape)
x.shape.numel() | x.dim() | x.ndim | x.numel() | x.nelement() | x.is_floating_point() | i.is_floating_point() | x.element_size() | x.stride() | x.T.stride() | x.stride(0) | x.is_contiguous() | x.T.is_contiguous() | x.T.contiguous().is_contiguous() | x.contiguous() is x | x.dtype == t.float32 | x.is_leaf
x.device == t.device("cpu") | str(x.device) | t.device("cpu").type | t.device("nowhere") | t.cuda.is_available() in (True, False) | hash(x) == hash(x) | x.requires_grad | x.grad is None | x.data.sum() | x.detach() + 1 | x.clone() + 1
# out
t.add(x, 1, out=t.zeros(2, 3)) | t.add(x, 1, out=t.zeros(0)) | t.add(x, 1, out=t.zeros(2, 3, dtype=t.int64)) | t.exp(i, out=t.zeros(2, 3)) | t.sum(x, 0, out=t.zeros(3)) | t.matmul(x, v, out=t.zeros(2)) | t.cat([x, x], out=t.zeros(4, 3)) | t.max(x, 1, out=(t.zeros(2), t.zeros(2, dtype=t.int64)))
t.add(x.requires_grad_(), 1, out=t.zeros(2, 3)) | t.add(x, 1, out=3) | t.gather(x, 1, i.abs() % 3, out=t.zeros(2, 3, dtype=t.float64)) | t.clamp(x, 0, 1, out=t.zeros(2, 3)) | t.eq(x, x, out=t.zeros(2, 3, dtype=t.bool)) | t.zeros(2, out=t.ones(2)) | t.where(b, x, v, out=t.zeros(2, 3))
# in place
x.add_(1) | x.add_(i) | x.add_(v, alpha=2) | x.sub_(1) | x.mul_(v) | x.div_(2) | x.div_(2, rounding_mode="floor") | x.pow_(2) | i.add_(0.5) | i.add_(b) | b.add_(1) | x.mul_(t.ones(5, 2, 3)) | x.zero_() | x.fill_(3) | i.fill_(2.7) | x.fill_(s) | x.fill_(v) | x.fill_("a")
x.copy_(v) | x.copy_(i) | i.copy_(x) | x.copy_(t.ones(4)) | x.copy_(1) | x.clamp_(0, 1) | x.clamp_(min=v) | x.exp_() | x.abs_().sqrt_() | x.neg_() | x.sigmoid_() | x.masked_fill_(b, 1) | x.relu_() | x.normal_().shape | x.uniform_(0, 1).shape | x.normal_(0, -1) | x.uniform_(1, 0) | i.normal_()
x.expand(2, 2, 3).add_(1) | x[0].zero_() | x.T.mul_(2)
"""


def names(t):
    numbers = np.array([[0.5, -1.5, 2.25], [-0.25, 3.0, -2.0]], np.float32)
    x = t.tensor(numbers)
    return dict(t=t, np=np, x=x, v=t.tensor([1.0, -2.0, 0.5]), s=t.tensor(1.5), i=t.tensor([[1, -2, 3], [4, 0, -6]]), j=t.tensor([2, -1, 4]),
                b=x > 0, n=np.array([1.0, 2.0]))


def cases():
    for line in EXPRESSIONS.strip().splitlines():
        if not line.startswith("#"):
            yield from (case.strip() for case in _separated(line))


def _separated(line):
    """The expressions of a line; a `|` inside one of them (i | 2) has an operand that is no beginning of another."""
    return line.replace("i | 2 ^ i", "t.bitwise_or(i, t.bitwise_xor(i, 2))").split(" | ")


def outcome(expression, t):
    try:
        return eval(expression, names(t))
    except REFUSALS as error:
        return error


def same(expected, found):
    if isinstance(expected, torch.Tensor):
        ours = found.detach().numpy(force=True) if isinstance(found, minicnn.Tensor) else None
        theirs = expected.detach().numpy()
        return ours is not None and ours.shape == theirs.shape and ours.dtype == theirs.dtype and np.allclose(ours, theirs, 1e-5, 1e-6, True)
    if isinstance(expected, (tuple, list)) and not isinstance(expected, torch.Size):
        return isinstance(found, (tuple, list)) and len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, np.ndarray):
        return isinstance(found, np.ndarray) and expected.dtype == found.dtype and np.array_equal(expected, found)
    if isinstance(expected, torch.dtype):
        return str(expected) == f"torch.{found}"
    return expected == found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", list(cases()))
def test_same_as_pytorch(expression):
    expected, found = outcome(expression, torch), outcome(expression, minicnn)
    if isinstance(expected, Exception):
        ours = isinstance(found, minicnn.errors.Error) or str(found) == str(expected)       # the same words: Python's own refusal
        assert ours, f"PyTorch refuses ({expected}), minicnn gives {found!r}"
    else:
        assert not isinstance(found, Exception) and same(expected, found), f"PyTorch gives {expected!r}, minicnn {found!r}"
