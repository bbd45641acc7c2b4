"""The examples run, and end where they say they end."""

import re
import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_training_loop(capsys):
    runpy.run_path(EXAMPLES / "training_loop.py")["main"](epochs=6)
    assert float(re.search(r"test accuracy (.*)%", capsys.readouterr().out)[1]) > 90


def test_custom_operation(capsys):
    example = runpy.run_path(EXAMPLES / "custom_operation.py")
    example["check"]()
    example["train"](steps=30)
    printed = capsys.readouterr().out
    assert "the gradient is right: True\nand so is the gradient of the gradient: True\nthe mistake is found:" in printed
    assert float(re.search(r"loss (.*),", printed)[1]) < 1
