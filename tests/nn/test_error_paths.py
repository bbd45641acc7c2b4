"""An error inside a network says which layer raised it, once, by its path from the module that was called."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import BadType, ShapeError


class Refuses(nn.Module):
    """Stands for a layer that finds its input wrong."""

    def __init__(self, error=ShapeError):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error("expected this, got that")


class Holder(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


def message_of(module):
    with pytest.raises(minicnn.errors.Error) as caught:
        module(minicnn.ones(1))
    return str(caught.value)


def test_alone_a_layer_has_no_path():
    assert message_of(Refuses()) == "expected this, got that"


@pytest.mark.parametrize("error", [ShapeError, BadType])
def test_path_is_added_once_by_the_outermost(error):
    net = nn.Module()
    net.features = nn.Sequential(nn.Identity(), Holder(Refuses(error)))
    net.forward = lambda x: net.features(x)
    assert message_of(net) == "features.1.inner (Refuses): expected this, got that"
    assert message_of(Holder(net)) == "inner.features.1.inner (Refuses): expected this, got that"


def test_error_of_a_block_itself_names_the_block():
    class Block(nn.Module):
        def forward(self, x):
            return minicnn.cat([x, minicnn.ones(2, 3)], 1)

    assert message_of(nn.Sequential(nn.Identity(), Block())).startswith("1 (Block): ")


def test_layer_that_is_not_registered_keeps_the_plain_message():
    hidden = [Refuses()]
    net = nn.Module()
    net.forward = lambda x: hidden[0](x)
    assert message_of(Holder(net)) == "expected this, got that"


def test_module_that_calls_itself_has_no_path_either():
    class Recursive(nn.Module):
        def forward(self, x, depth=2):
            if depth:
                return self(x, depth - 1)
            raise ShapeError("too deep")

    assert message_of(Recursive()) == "too deep"
    assert message_of(Holder(Recursive())) == "inner (Recursive): too deep"


def test_other_exceptions_are_left_alone():
    net = nn.Sequential(Refuses(KeyError))
    with pytest.raises(KeyError) as caught:
        net(minicnn.ones(1))
    assert caught.value.args == ("expected this, got that",)


def test_with_hooks_too():
    net = nn.Sequential(Refuses())
    net[0].register_forward_hook(lambda *_: None)
    assert message_of(net) == "0 (Refuses): expected this, got that"


def test_the_classic_linear_after_flatten_says_what_to_write():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(100, 10))
    with pytest.raises(ShapeError) as caught:
        net(minicnn.ones(2, 1, 8, 8))
    assert str(caught.value).startswith("2 (Linear): ") and "in_features=144" in str(caught.value)
