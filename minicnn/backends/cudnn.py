"""PyTorch's switches for cuDNN. They may be set and change nothing: results are the same in every run, whatever they say."""

benchmark = False
deterministic = True
enabled = False


def is_available():
    """False: the kernels for the GPU are minicnn's own."""
    return False
