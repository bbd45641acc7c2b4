"""What programs for PyTorch touch in passing: switches, seeds and paths that are there so that the line does not stop them."""

import subprocess
import sys

LINES = """
import minicnn as torch
import minicnn.backends.cudnn as cudnn
import minicnn.utils.data
cudnn.benchmark, cudnn.deterministic = True, False
torch.cuda.manual_seed(1), torch.cuda.manual_seed_all(1), torch.cuda.empty_cache(), torch.cuda.synchronize()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
assert torch.utils.data.dataloader.DataLoader is torch.utils.data.DataLoader
assert torch.utils.data.sampler.Sampler and torch.utils.data.dataset.Dataset
"""


def test_the_lines_run():
    """In a program of their own: what other tests have imported would hide a missing path."""
    done = subprocess.run([sys.executable, "-c", LINES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
