"""Threads that compute ahead: results in order, exceptions handed on, no thread left behind."""

import itertools
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout

from ..errors import Error


class WorkerTimeout(Error, RuntimeError):
    """A worker did not deliver in the time that the DataLoader's `timeout` allows."""


def prefetch(run, jobs, workers, ahead, timeout=0, worker_init_fn=None):
    """Yield run(job) for each job in order, with up to `ahead` jobs under way in `workers` threads.

    An exception in `run` is raised here, at its job's turn. When the iteration ends, by exhaustion, by an exception or
    because the caller drops it, jobs not yet begun are cancelled and the threads end.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="minicnn-loader")
    run = _with_start(run, worker_init_fn) if worker_init_fn else run
    try:
        pending = deque(pool.submit(run, job) for job in itertools.islice(jobs, ahead))
        while pending:
            result = _wait(pending.popleft(), timeout)
            pending.extend(pool.submit(run, job) for job in itertools.islice(jobs, 1))
            yield result
    finally:
        # Not waiting: this may run during garbage collection, even in one of the pool's own threads.
        pool.shutdown(wait=False, cancel_futures=True)


def _wait(future, timeout):
    try:
        return future.result(timeout or None)
    except FutureTimeout:
        if future.done():           # run itself raised a TimeoutError
            raise
        raise WorkerTimeout(f"no batch came within {timeout} s; raise `timeout`, or find out what the data set waits for") from None


def _with_start(run, worker_init_fn):
    """`run`, preceded in each thread's first call by worker_init_fn(number of the thread)."""
    numbers, this_thread = itertools.count(), threading.local()

    def run_started(job):
        if not hasattr(this_thread, "number"):
            this_thread.number = next(numbers)
            worker_init_fn(this_thread.number)
        return run(job)

    return run_started
