"""What the tests of deferred tensors start from: numbers, results of operations, and threads that look at them."""

import threading

import numpy as np

import minicnn as torch
from minicnn import autograd
from minicnn.kernels.cpu.memory import empty


def leaves():
    return [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((8, 3, 10, 12), (3,), (3,))]


def made(x):
    """The same numbers as an operation's result, also where nothing is recorded: in memory of the kernels' pool."""
    if x.requires_grad:
        return x * 1
    array = empty(x.shape, np.float64)
    array[...] = x.numpy()
    return torch.Tensor(array)


def gradients(z, inputs):
    return [g.numpy() for g in autograd.grad((z * z.detach().cos()).sum(), inputs, retain_graph=True)]


def failures_of_looks(tensors):
    """What goes wrong where each is looked at in a thread of its own, which then has computed whatever waits."""
    failed = []

    def look(y):
        try:
            y.shape  # noqa: B018
            torch.zeros(3).add_(1)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=look, args=(y,)) for y in tensors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed
