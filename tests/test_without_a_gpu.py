"""Who has no GPU pays nothing for it: a whole program on the CPU imports no CuPy, be it installed or not."""

import subprocess
import sys

PROGRAM = """
import sys
import minicnn
from minicnn import data, models, nn, optim

model, criterion = models.create("lenet5"), nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters())
images, labels = data.TensorDataset(minicnn.randn(4, 1, 28, 28), minicnn.tensor([0, 1, 2, 3])).tensors
for x, y in data.DataLoader(data.TensorDataset(images, labels), batch_size=2, shuffle=True):
    optimizer.zero_grad()
    loss = criterion(model(x.to("cpu")), y)
    loss.backward()
    optimizer.step()
    x[y % 2], repr(loss), x.is_cuda, loss.item()
minicnn.save(model.state_dict(), sys.argv[1])
minicnn.load(sys.argv[1], map_location="cpu")
with minicnn.kernels.using("array"):
    model(images)
print(*[name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx", "cupy_backends", "cuda")])
"""


def test_a_program_on_the_cpu_imports_no_cupy(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "model.mcnn"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
