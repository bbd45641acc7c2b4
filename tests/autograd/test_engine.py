"""What the engine promises beyond PyTorch's behaviour: any depth, early freeing, no shared gradients, no silent loss."""

import gc
import weakref

import numpy as np
import pytest

import minicnn
from minicnn.autograd.operation import Elementary, Layer
from minicnn.errors import GraphError, ShapeError


def leaf(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_()


def test_a_chain_of_50000_operations():
    x = y = leaf(1)
    for _ in range(50_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    del y                                       # nor does taking the graph down need the stack


def test_a_long_chain_can_be_differentiated_twice():
    x = y = leaf(1)
    for _ in range(3_000):
        y = y * 1.0001
    (first,) = minicnn.autograd.grad((y * y).sum(), x, create_graph=True)
    (second,) = minicnn.autograd.grad(first.sum(), x)
    assert second.item() == pytest.approx(2 * 1.0001**6000)


def test_wide_fan_out():
    x = leaf(3)
    sum((x * k for k in range(100)), minicnn.zeros(3, dtype=minicnn.float64)).sum().backward()
    assert x.grad.tolist() == [4950] * 3


def test_each_node_is_walked_once_however_many_paths_there_are():
    calls = []
    double = Elementary("Double", lambda x: 2 * x, lambda dz: calls.append(1) or 2 * dz)
    y = leaf(1)
    for _ in range(30):
        y = double(y)
        y = y + y                               # 2³⁰ paths
    y.backward()
    assert len(calls) == 30


def test_saved_arrays_are_freed_as_the_walk_passes():
    class Array(np.ndarray):                    # an array that can be watched
        pass

    alive, x = [], leaf(10)
    later = Elementary("Later", lambda x: x + 0, lambda dz: alive.append(watched() is not None) or dz)
    y = later(x)
    big = Elementary("Big", lambda x: np.ones(10).view(Array), lambda dz, out: dz * out)(y)
    watched = weakref.ref(big.array)
    z = big * 1.0
    del big
    loss = z.sum()
    loss.backward()
    assert alive == [False]                     # gone before the walk came to the operation below, though `loss` lives on


def test_the_graph_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        x = leaf(4)
        y = (x.exp() * x).softmax(0).sum()
        node = weakref.ref(y.node)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_a_retained_gradient_makes_no_cycle():
    gc.disable()
    try:
        y = leaf(4) * 2
        y.retain_grad()
        y.register_hook(lambda g: None)
        node = weakref.ref(y.node)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_activations_live_only_as_long_as_somebody_needs_them():
    x = leaf(4)
    y = x + 1
    array = weakref.ref(y.array)
    z = y + 2                                   # a sum needs neither of its operands again
    del y
    assert array() is None and z.requires_grad


def test_the_graph_does_not_keep_parameters_alive():
    x, w = leaf(3), leaf(3)
    y = (x + w).sum()
    reference = weakref.ref(w)
    del w
    assert reference() is None
    y.backward()
    assert x.grad.tolist() == [1, 1, 1]


def share(a, b):
    return np.shares_memory(a.array, b.array)


@pytest.mark.parametrize("function", [
    lambda x, y: x + y, lambda x, y: (x + y).reshape(-1), lambda x, y: minicnn.stack([x, y]), lambda x, y: x.flip(0) + y.t().t(),
    lambda x, y: minicnn.cat([x, y])[::2] * 1,
])
def test_gradients_share_no_memory(function):
    x, y = leaf(3, 3), leaf(3, 3)
    z = function(x, y)
    g = minicnn.ones(*z.shape, dtype=z.dtype)
    z.backward(g)
    assert not share(x.grad, y.grad) and not share(x.grad, g) and not share(y.grad, g)
    first = minicnn.autograd.grad(function(x, y), [x, y, x], g)
    assert not share(first[0], first[2]) and not share(first[0], first[1]) and not share(first[0], g)


def test_a_layer_that_returns_one_array_twice_or_a_saved_one():
    def backward(dy, saved, needed):
        dx = 2 * dy
        return dx, dx, saved

    layer = Layer("Sum", lambda x, y, z: (2 * (x + y) + z, x), backward, None)
    x, y, z = leaf(3), leaf(3), leaf(3)
    layer(x, y, z).backward(minicnn.ones(3, dtype=minicnn.float64))
    assert not share(x.grad, y.grad) and not share(z.grad, x)


def test_a_gradient_seen_by_a_hook_is_not_the_one_that_the_leaf_keeps():
    x, seen = leaf(3), []
    x.register_hook(seen.append)
    (x * 2).sum().backward()
    assert not share(seen[0], x.grad)


def test_gradients_have_their_leaves_dtype():
    x = minicnn.ones(3, requires_grad=True)
    w = minicnn.ones(3, dtype=minicnn.float64, requires_grad=True)
    (x * w).sum().backward()
    assert x.grad.dtype == minicnn.float32 and w.grad.dtype == minicnn.float64


def test_an_operation_without_a_rule_raises_where_it_is_used():
    half = Elementary("Half", lambda x, y: x / 2, lambda dz: dz / 2, None)
    half(leaf(1), minicnn.ones(1))
    with pytest.raises(GraphError, match="Half has no derivative"):
        half(leaf(1), leaf(1))
    with minicnn.no_grad():
        half(leaf(1), leaf(1))


def test_a_layer_without_a_backward_raises_where_it_is_used():
    with pytest.raises(GraphError, match="Top has no backward"):
        Layer("Top", lambda x: (x.max(), None), None, None)(leaf(3))


def test_a_layer_without_a_definition_raises_where_it_is_differentiated_again():
    layer = Layer("Twice", lambda x: (2 * x, None), lambda dy, saved, needed: (2 * dy,), None)
    x = leaf(3)
    with pytest.raises(GraphError, match="Twice has no definition"):
        minicnn.autograd.grad(layer(x).sum(), x, create_graph=True)


def test_a_gradient_of_the_wrong_shape_names_the_input():
    layer = Layer("Bad", lambda x, w: (x * w, (x, w)), lambda dy, saved, needed: (dy, dy[:1]), None)
    with pytest.raises(ShapeError, match="shape .1,. for w, which has shape .3,."):
        layer(leaf(3), leaf(3)).sum().backward()


def test_a_layer_is_told_what_is_needed():
    asked = []
    layer = Layer("Mul", lambda x, w: (x * w, (x, w)), lambda dy, saved, needed: asked.append(needed) or (dy * saved[1], dy * saved[0]), None)
    x, w = leaf(3), leaf(3)
    layer(x, w).sum().backward()
    layer(x, w.detach()).sum().backward()
    minicnn.autograd.grad(layer(x, w).sum(), w)
    assert [tuple(n) for n in asked] == [(True, True), (True, False), (False, True)]


def test_higher_orders_go_through_the_definition_at_the_same_place():
    wrong_backward = Layer("Cube", lambda x: (x**3, x), lambda dy, x, needed: (dy * 0,), lambda x: x * x * x)
    x = leaf(1)
    (first,) = minicnn.autograd.grad(wrong_backward(x).sum(), x, create_graph=True)
    (second,) = minicnn.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = minicnn.autograd.grad(second.sum(), x)
    assert np.allclose([first.item(), second.item(), third.item()], [3 * x.item() ** 2, 6 * x.item(), 6])


def test_one_tensor_as_two_inputs_of_a_definition():
    layer = Layer("Mul", lambda x, w: (x * w, (x, w)), lambda dy, s, needed: (dy * s[1], dy * s[0]), lambda x, w: x * w)
    x = leaf(1)
    (first,) = minicnn.autograd.grad(layer(x, x).sum(), x, create_graph=True)
    assert first.item() == pytest.approx(2 * x.item()) and minicnn.autograd.grad(first.sum(), x)[0].item() == pytest.approx(2)


def test_a_layers_saved_arrays_changed_in_place_are_noticed():
    layer = Layer("Square", lambda x: (x * x, x), lambda dy, x, needed: (2 * x * dy,), None)
    y = leaf(3) * 1
    z = layer(y).sum()
    with minicnn.no_grad():
        y.add_(1)
    with pytest.raises(GraphError, match="Square saved for its backward was changed in place"):
        z.backward()


def test_a_layer_gets_0d_gradients_as_arrays():
    seen = []
    layer = Layer("Sum", lambda x: (x.sum(), None), lambda dy, saved, needed: seen.append(type(dy)) or (np.broadcast_to(dy, 3),), None)
    x = leaf(3)
    (layer(x) * 2 * layer(x)).backward()
    assert seen == [np.ndarray] * 2


def test_the_definition_refuses_inputs_that_were_changed_in_place():
    layer = Layer("Sum", lambda x: (x.sum(), None), lambda dy, saved, needed: (np.broadcast_to(dy, 3),), lambda x: x.sum())
    x = leaf(3)
    y = x * 1
    z = layer(y)
    with minicnn.no_grad():
        y.add_(1)
    z.backward(retain_graph=True)               # the pair saved nothing: allowed
    with pytest.raises(GraphError, match="changed in place"):
        minicnn.autograd.grad(z, x, create_graph=True)


def test_a_view_left_behind_by_a_change_in_place_refuses_to_be_used():
    x = leaf(2, 3)
    y = x * 1
    row = y[0]
    y.mul_(2)
    with pytest.raises(GraphError, match="changed in place while operations were recorded"):
        row.sum()
    with pytest.raises(GraphError, match="changed in place"):
        row.detach().numpy()
    y.sum().backward()
    assert (x.grad == 2).all()


def test_the_base_of_a_view_that_was_changed_in_place_refuses_too():
    y = leaf(2, 3) * 1
    y[0].mul_(2)
    with pytest.raises(GraphError, match="changed in place"):
        y.sum()


def anomaly(function, message):
    with minicnn.autograd.detect_anomaly(), pytest.raises(GraphError, match=message):
        function()


def test_anomaly_names_the_first_operation_forward_and_backward():
    x = minicnn.tensor([1.0, 0.0], requires_grad=True)
    anomaly(lambda: x.log() * 0, "^Log made the first infinity: 1 of 2 elements")
    anomaly(lambda: (x - 1).log() * 0, "^Log made the first NaN and infinity: 2 of 2")
    y = x.sqrt().sum()
    anomaly(lambda: y.backward(), "^the backward of Sqrt made the first infinity")
    layer = Layer("Broken", lambda x: (x * 1, None), lambda dy, saved, needed: (dy / 0 * 0,), None)
    anomaly(lambda: layer(x).sum().backward(), "^the backward of Broken made the first NaN")


def test_anomaly_leaves_alone_what_was_not_made_there():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    with minicnn.autograd.detect_anomaly():
        y = x.masked_fill(minicnn.tensor([True, False]), float("-inf")).softmax(0)
        y.sum().backward()
    assert x.grad.tolist() == [0, 0]
    with minicnn.no_grad():
        minicnn.tensor([0.0]).log()


def test_nothing_warns_about_infinities():
    x = minicnn.tensor([0.0, -1.0, 1e30], requires_grad=True)
    (x.log() + 1 / x + x * x + x.exp()).sum().backward()


def test_arrays_on_different_devices(monkeypatch):
    def forward(x, y):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")

    x, y = leaf(2), leaf(2)
    monkeypatch.setattr(minicnn.arrays, "on_gpu", lambda array: array is y.array)
    with pytest.raises(minicnn.errors.DeviceError, match="Add got arrays on cpu and cuda:0"):
        Elementary("Add", forward)(x, y)
    with pytest.raises(TypeError, match="Unsupported"):
        Elementary("Add", forward)(x, x)


def test_mode_belongs_to_the_thread():
    import threading

    seen = []
    with minicnn.no_grad():
        thread = threading.Thread(target=lambda: seen.append(minicnn.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_backward_inside_a_hook():
    x, inner = leaf(3), leaf(3)
    y = x * 1
    y.register_hook(lambda g: minicnn.enable_grad(lambda: (inner * inner).sum().backward())())
    y.sum().backward()
    assert np.allclose(inner.grad, 2 * inner.detach()) and (x.grad == 1).all()
