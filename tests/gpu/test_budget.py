"""What a training step asks of the GPU stays within its budget: see tests/gpu_budget.py."""

from pathlib import Path

import pytest
from gpu_budget import NETWORKS, excess, measure, row

pytestmark = [pytest.mark.gpu, pytest.mark.simulated_gpu]

QUOTED = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_step_keeps_to_the_budget_and_is_like_the_one_before(name):
    steps = measure(NETWORKS[name])
    assert [excess(NETWORKS[name], events) for events in steps] == [[]] * len(steps)
    assert all(events.launches() == steps[0].launches() for events in steps)
    assert f"| {' | '.join(row(NETWORKS[name], steps[-1]))} |" in QUOTED        # else: python -m tests.gpu_budget, and quote it anew
