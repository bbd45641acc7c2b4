"""PyTorch's own table of optimizers: 25 steps with every option agree, every refused option is refused."""

import pytest

pytest.importorskip("expecttest")
optiminfo = pytest.importorskip("helpers.optiminfo")


def test_all_optimizers_are_in_the_table():
    assert {info.optim_cls.__name__ for info in optiminfo.entries()} == {
        "SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax"}


@pytest.mark.parametrize("info", optiminfo.entries(), ids=lambda info: info.optim_cls.__name__)
def test_optimizer_agrees_with_pytorch(info):
    counts = optiminfo.run(info)
    assert counts["passed"] > 5 and not counts["failed"]
