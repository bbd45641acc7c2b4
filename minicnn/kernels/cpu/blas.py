"""BLAS held to one thread while compiled kernels are in use.

NumPy's matrix products run in threads of BLAS's own, which go on spinning for a while after each product, and ours wait for the
cores: one such product between two kernels was measured to cost milliseconds. threadpoolctl finds the BLAS libraries of the
process and knows how each is told its number of threads. Its search takes milliseconds and is done once; its own `limit` takes 13 µs,
and what is here 4, or 1 where BLAS has one thread anyway.
"""

from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _libraries():
    """The BLAS libraries that were loaded when this was first asked."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


class one_thread:
    """Inside the block, BLAS computes in the thread that calls it; after it, in as many as before."""

    def __enter__(self):
        before = [(library, library.get_num_threads()) for library in _libraries()]
        self.many = [(library, threads) for library, threads in before if threads != 1]
        for library, _ in self.many:
            library.set_num_threads(1)

    def __exit__(self, *error):
        for library, threads in self.many:
            library.set_num_threads(threads)
