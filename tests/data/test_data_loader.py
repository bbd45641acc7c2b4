"""The DataLoader: what it yields, refuses and counts beside PyTorch's; threads that deliver in order and go away."""

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import arrays, data


torch = pytest.importorskip("torch")
theirs = torch.utils.data


class Squares(data.Dataset):
    """i -> (i², "i"), read one by one."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        return np.float32(i * i), str(i)


class Stream(data.IterableDataset):
    """0, 1, ... up to a count."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return iter(range(self.count))

    def __len__(self):
        return self.count


class TorchStream(Stream, theirs.IterableDataset):
    pass


def rows(count):
    return data.TensorDataset(minicnn.arange(count).float(), minicnn.arange(count))


def plain(batch):
    """A batch as lists of Python values."""
    if isinstance(batch, (minicnn.Tensor, torch.Tensor)):
        return batch.tolist()
    return [plain(part) for part in batch] if isinstance(batch, (list, tuple)) else batch


# Batches

@settings(max_examples=60)
@given(count=st.integers(1, 12), batch_size=st.sampled_from([None, 1, 2, 5, 20]), drop_last=st.booleans(),
       workers=st.sampled_from([0, 0, 1, 3]), stream=st.booleans())
def test_batches_are_pytorchs(count, batch_size, drop_last, workers, stream):
    drop_last = drop_last and batch_size is not None
    options = dict(batch_size=batch_size, drop_last=drop_last)
    ours = data.DataLoader(Stream(count) if stream else Squares(count), num_workers=workers, **options)
    reference = theirs.DataLoader(TorchStream(count) if stream else Squares(count), **options)
    assert [plain(batch) for batch in ours] == [plain(batch) for batch in reference]
    assert len(ours) == len(reference)
    assert [plain(batch) for batch in ours] == [plain(batch) for batch in reference], "the second epoch"


def test_rows_of_tensors_are_read_at_once_and_the_same():
    """The quick way for a TensorDataset gives what sample by sample gives, through subsets too."""
    dataset = data.Subset(data.Subset(rows(20), list(range(19, 2, -1))), [0, 5, 3, 16])
    quick = list(data.DataLoader(dataset, batch_size=3))
    slow = list(data.DataLoader(dataset, batch_size=3, collate_fn=lambda samples: data.default_collate(samples)))
    assert [plain(batch) for batch in quick] == [plain(batch) for batch in slow] == [[[19.0, 14.0, 16.0], [19, 14, 16]], [[3.0], [3]]]
    assert [part.dtype for part in quick[0]] == [minicnn.float32, minicnn.int64]


def test_a_subclass_that_changes_samples_is_respected():
    class Doubled(data.TensorDataset):
        def __getitem__(self, i):
            return tuple(2 * part for part in super().__getitem__(i))

    batch = next(iter(data.DataLoader(Doubled(minicnn.arange(4)), batch_size=4)))
    assert batch[0].tolist() == [0, 2, 4, 6]


def test_batches_of_tensors_that_require_a_gradient_pass_it_on():
    x = minicnn.ones(4, 2, requires_grad=True)
    (batch,) = next(iter(data.DataLoader(data.TensorDataset(x), batch_size=3)))
    batch.sum().backward()
    assert x.grad.sum(1).tolist() == [2.0, 2.0, 2.0, 0.0]


def test_getitems_is_preferred():
    class Bulk(Squares):
        def __getitems__(self, indices):
            return [-i for i in indices]

    assert plain(list(data.DataLoader(Bulk(4), batch_size=2))) == [[0, -1], [-2, -3]]


def test_a_list_is_a_data_set():
    assert plain(list(data.DataLoader([1, 2, 3], batch_size=2))) == [[1, 2], [3]]


def test_samplers_and_collate_function():
    loader = data.DataLoader(range(10), sampler=[7, 1, 3], batch_size=2, collate_fn=tuple)
    assert list(loader) == [(7, 1), (3,)] and len(loader) == 2
    loader = data.DataLoader(range(10), batch_sampler=[[1], [2, 3]], collate_fn=tuple)
    assert list(loader) == [(1,), (2, 3)] and len(loader) == 2 and loader.batch_size is None


# Order and randomness

def order(**options):
    return [plain(batch) for batch in data.DataLoader(range(30), batch_size=4, shuffle=True, **options)]


def test_shuffling_is_decided_by_the_seed():
    def seeded(seed):
        return order(generator=minicnn.Generator().manual_seed(seed))

    assert seeded(1) == seeded(1) != seeded(2)
    minicnn.manual_seed(4)
    first = order()
    second = order()
    minicnn.manual_seed(4)
    assert order() == first != second
    assert sorted(sum(first, [])) == list(range(30))


class Augmented(Squares):
    """A sample with noise, which must not depend on which thread loads it, nor when."""

    def __getitem__(self, i):
        time.sleep(0.001 * (i % 3))
        return i, minicnn.rand(()).item()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_yields_the_same(workers):
    def epochs(num_workers):
        minicnn.manual_seed(3)
        loader = data.DataLoader(Augmented(25), batch_size=3, shuffle=True, num_workers=num_workers)
        return [[plain(batch) for batch in loader] for _ in range(2)]

    serial = epochs(0)
    assert epochs(workers) == serial
    noise = [value for epoch in serial for batch in epoch for value in batch[1]]
    assert len(set(noise)) == 50, "every sample of every epoch has noise of its own"


def test_outside_a_loader_the_default_stream_is_drawn_from():
    outside = minicnn.default_generator.numpy
    with arrays.seeded(1):
        first = minicnn.rand(()).item()
    with arrays.seeded(1):
        assert minicnn.rand(()).item() == first
    assert minicnn.default_generator.numpy is outside


# Workers

class Failing(Squares):
    def __getitem__(self, i):
        if i == 5:
            raise KeyError("sample 5 is broken")
        return i


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_arrives_at_its_batch(workers):
    loader, seen = data.DataLoader(Failing(9), batch_size=2, num_workers=workers), []
    with pytest.raises(KeyError, match="sample 5 is broken"):
        for batch in loader:
            seen.append(plain(batch))
    assert seen == [[0, 1], [2, 3]]
    assert threads_end()


def test_an_exception_in_worker_init_fn_arrives():
    def init(worker):
        raise OSError(f"worker {worker} has no disk")

    with pytest.raises(OSError, match="worker 0 has no disk"):
        list(data.DataLoader(range(4), num_workers=1, worker_init_fn=init))


def test_worker_init_fn_is_called_once_in_each_worker():
    calls = []
    loader = data.DataLoader(range(40), num_workers=2, worker_init_fn=lambda i: calls.append((i, threading.get_ident())))
    assert len(list(loader)) == 40
    assert 1 <= len(calls) <= 2 and len({thread for _, thread in calls}) == len(calls) == len({i for i, _ in calls})


def threads_end():
    """True once no loader thread is left."""
    gc.collect()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not any(thread.name.startswith("minicnn-loader") for thread in threading.enumerate()):
            return True
        time.sleep(0.005)
    return False


@pytest.mark.parametrize("dataset", [Squares(1000), Stream(1000)])
def test_dropped_iterators_leave_no_threads(dataset):
    loader = data.DataLoader(dataset, num_workers=3)
    for _ in range(5):
        iterator = iter(loader)
        next(iterator)
    for _ in loader:
        break
    del iterator
    assert threads_end()


def test_finished_iterators_leave_no_threads_even_if_they_are_kept():
    kept = [iter(data.DataLoader(dataset, num_workers=2, batch_size=4)) for dataset in (Squares(10), Stream(10))]
    assert [len(list(iterator)) for iterator in kept] == [3, 3]
    assert threads_end()


def test_loading_runs_ahead_only_as_far_as_told():
    class Counting(Squares):
        read = 0

        def __getitem__(self, i):
            self.read += 1
            return i

    dataset = Counting(1000)
    iterator = iter(data.DataLoader(dataset, num_workers=2, prefetch_factor=3))
    next(iterator)
    time.sleep(0.1)
    assert dataset.read <= 1 + 6


def test_a_stream_is_read_by_one_thread_at_a_time():
    class Slow(data.IterableDataset):
        def __iter__(self):
            for i in range(12):
                time.sleep(0.001)
                yield i

    assert plain(list(data.DataLoader(Slow(), num_workers=4, batch_size=5))) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]


def test_what_was_not_begun_is_cancelled():
    class Slow(Squares):
        read = 0

        def __getitem__(self, i):
            self.read += 1
            time.sleep(0.01)
            return i

    dataset = Slow(1000)
    iterator = iter(data.DataLoader(dataset, num_workers=1, prefetch_factor=30))
    next(iterator)
    del iterator
    assert threads_end() and dataset.read < 10


def test_workers_load_side_by_side():
    barrier = threading.Barrier(3, timeout=5)

    class Meeting(Squares):
        def __getitem__(self, i):
            barrier.wait()
            return i

    assert plain(list(data.DataLoader(Meeting(6), num_workers=3))) == [[i] for i in range(6)]


def test_timeout():
    release = threading.Event()

    class Stuck(Squares):
        def __getitem__(self, i):
            release.wait(10)
            return i

    try:
        with pytest.raises(RuntimeError, match="no batch came within 0.05 s"):
            next(iter(data.DataLoader(Stuck(3), num_workers=1, timeout=0.05)))
    finally:
        release.set()
    assert threads_end()


def test_a_program_ends_with_an_iterator_half_read():
    program = ("from minicnn.data import DataLoader\n"
               "iterator = iter(DataLoader(range(10**6), num_workers=2))\n"
               "next(iterator)")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


# Options

REFUSED = [
    dict(num_workers=-1),
    dict(timeout=-1),
    dict(prefetch_factor=2),
    dict(num_workers=1, prefetch_factor=-1),
    dict(persistent_workers=True),
    dict(multiprocessing_context="fork"),
    dict(shuffle=True, sampler=[1]),
    dict(batch_sampler=[[1]], batch_size=2),
    dict(batch_sampler=[[1]], shuffle=True),
    dict(batch_sampler=[[1]], sampler=[1]),
    dict(batch_sampler=[[1]], drop_last=True),
    dict(batch_sampler=[[1]], batch_size=None),
    dict(batch_size=None, drop_last=True),
    dict(batch_size=0),
    dict(batch_size=-3),
    dict(batch_size=2.0),
    dict(drop_last="yes"),
]
REFUSED_FOR_STREAMS = [dict(shuffle=True), dict(sampler=[1]), dict(batch_sampler=[[1]])]


@pytest.mark.parametrize("options", REFUSED)
def test_options_refused_as_by_pytorch(options):
    for lib in (theirs, data):
        with pytest.raises(ValueError):
            lib.DataLoader(range(4), **options)


@pytest.mark.parametrize("options", REFUSED_FOR_STREAMS)
def test_options_refused_for_streams_as_by_pytorch(options):
    for lib, stream in ((theirs, TorchStream(3)), (data, Stream(3))):
        with pytest.raises(ValueError):
            lib.DataLoader(stream, **options)


def test_options_accepted_for_pytorchs_sake():
    loader = data.DataLoader(range(4), 2, False, None, None, 1, None, False, False, 5, None, "spawn", None,
                             prefetch_factor=1, persistent_workers=True, pin_memory_device="cuda", in_order=False)
    assert plain(list(loader)) == [[0, 1], [2, 3]] and loader.prefetch_factor == 1


def test_an_empty_data_set_cannot_be_shuffled():
    for lib in (theirs, data):
        assert list(lib.DataLoader([])) == []
        with pytest.raises(ValueError):
            lib.DataLoader([], shuffle=True)


@pytest.mark.parametrize("name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"])
def test_what_was_decided_cannot_be_changed(name):
    loader = data.DataLoader(range(4))
    with pytest.raises(ValueError):
        setattr(loader, name, None)
    loader.collate_fn = tuple
    assert list(loader) == [(0,), (1,), (2,), (3,)]


def test_a_stream_without_length_has_no_number_of_batches():
    class Endless(data.IterableDataset):
        def __iter__(self):
            while True:
                yield 1

    loader = data.DataLoader(Endless(), batch_size=2, num_workers=2)
    with pytest.raises(TypeError):
        len(loader)
    assert next(iter(loader)).tolist() == [1, 1]
    assert threads_end()
