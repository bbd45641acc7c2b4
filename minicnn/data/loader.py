"""The DataLoader: batches of a data set, in order, loaded here or ahead of time by threads.

PyTorch's workers are processes; these are threads, because NumPy, Pillow and file reading release Python's lock. What they
yield does not depend on how many there are: every sample draws from a stream of its own, which starts from (seed, epoch, index).
"""

import itertools
from numbers import Integral, Real

from .. import arrays
from ..errors import BadType, BadValue
from .collate import default_collate, default_convert
from .dataset import IterableDataset, read_samples, read_seeded, read_tensor_rows
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .seeding import counted, sample_seeds, seeds
from .transfer import can_pin, pinned

END = object()          # what loading from an exhausted stream gives


class DataLoader:
    """Iterate over a data set in batches; every `iter(loader)` is one epoch.

    dataset        a Dataset, anything with `__getitem__` and `__len__`, or an IterableDataset
    batch_size     samples per batch; None: single samples, not batched
    shuffle        a new random order in every epoch
    sampler        an iterable of indices instead of shuffle
    batch_sampler  an iterable of lists of indices instead of batch_size, shuffle, sampler and drop_last
    num_workers    threads that load batches ahead; 0: load when asked
    collate_fn     makes a batch of a list of samples; None: default_collate
    drop_last      leave out a last batch that is not full
    timeout        seconds to wait for a worker; 0: without end
    worker_init_fn called in each worker with its number
    generator      minicnn.Generator for the order, and for `seed` where none is given; None: the default stream
    prefetch_factor  batches that each worker loads ahead; None: 2
    pin_memory     batches come in pinned memory, from which they get to a GPU faster; without a GPU, a warning and nothing else
    seed           decides, with the epoch's number and the sample's index, what is drawn when a sample is loaded; None: drawn once

    `epoch` is the number of the next epoch, from 0 on; `set_epoch` changes it, as a training does that goes on from a checkpoint.

    multiprocessing_context, persistent_workers, pin_memory_device and in_order are accepted for PyTorch's sake
    and have no effect. Raises BadType, BadValue for options that are not what they must be or that exclude each other.
    """

    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
                 pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None, generator=None,
                 *, prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True, seed=None):
        _check_kinds(dataset, timeout, collate_fn, generator)
        _check_worker_options(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        is_stream = isinstance(dataset, IterableDataset)
        if is_stream:
            _check_stream_options(shuffle, sampler, batch_sampler)
        _check_exclusions(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            sampler = _default_sampler(dataset, is_stream, shuffle, generator)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.dataset, self.sampler, self.batch_sampler = dataset, sampler, batch_sampler
        self.batch_size, self.drop_last, self.collate_fn, self.generator = batch_size, drop_last, collate_fn, generator
        self.num_workers, self.prefetch_factor = num_workers, (prefetch_factor or 2) if num_workers else None
        self.timeout, self.worker_init_fn, self.multiprocessing_context = timeout, worker_init_fn, multiprocessing_context
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.persistent_workers, self._is_stream, self._initialized = persistent_workers, is_stream, True
        self._seed, self.epoch = check_seed(seed), 0

    def __setattr__(self, name, value):
        if name in _FIXED and getattr(self, "_initialized", False):
            raise BadValue(f"{name} cannot be changed once the DataLoader is made; make another one")
        super().__setattr__(name, value)

    def __len__(self):
        """The number of batches; of a stream, by what its `__len__` says."""
        if not self._is_stream:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        count = len(self.dataset)
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    @property
    def seed(self):
        """The seed of all samples; drawn from the generator when it is needed first."""
        if self._seed is None:
            self._seed = int((self.generator or arrays.default_generator).numpy.integers(2**63))
        return self._seed

    @seed.setter
    def seed(self, seed):
        self._seed = check_seed(seed)

    def set_epoch(self, epoch):
        """Let the next iteration be that of epoch number `epoch`."""
        self.epoch = epoch

    def sample(self, epoch, index, occurrence=0):
        """The sample at an index of the data set as it was, or will be, in an epoch: with the same augmentation.

        occurrence  0 for the first time in that epoch, 1 for the second, as a sampler with replacement may have it
        """
        found = read_samples(self.dataset, [index], sample_seeds(self.seed, epoch, [index], occurrence))
        return found[0] if isinstance(found, list) else found

    def __iter__(self):
        seed, epoch, pin = self.seed, self.epoch, self.pin_memory and can_pin()
        self.epoch += 1
        load, jobs, workers = self._plan(seed, epoch)

        def run(job):
            with arrays.seeded(int(seeds(seed, epoch, job[0])[0])):         # for what is drawn for a whole batch: mixing, collating
                batch = load(*job)
            return pinned(batch) if pin and batch is not END else batch

        batches = self._run_ahead(run, jobs, workers) if workers else map(run, jobs)
        return _until_end(batches) if self._is_stream else batches

    def _run_ahead(self, run, jobs, workers):
        from .workers import prefetch  # threads are imported by those who use them

        return prefetch(run, jobs, workers, workers * self.prefetch_factor, self.timeout, self.worker_init_fn)

    def _plan(self, seed, epoch):
        """(load, jobs, workers): `load(*job)` makes one batch; a job begins with its number. Only one worker can read from a stream."""
        if self._is_stream:
            samples = iter(self.dataset)
            return (lambda _: self._load_from(samples)), ((n,) for n in itertools.count()), min(self.num_workers, 1)

        def load(_, indices, before):
            return self._load_batch(indices, sample_seeds(seed, epoch, indices, before))

        batches = ([index] for index in self.sampler) if self.batch_sampler is None else self.batch_sampler
        return load, counted(batches), self.num_workers

    def _load_batch(self, indices, seeds):
        if self.batch_sampler is None:
            return self.collate_fn(read_seeded(self.dataset, indices[0], seeds[0]))
        rows = read_tensor_rows(self.dataset, indices) if self.collate_fn is default_collate else None
        return self.collate_fn(read_samples(self.dataset, indices, seeds)) if rows is None else rows

    def _load_from(self, samples):
        if self.batch_size is None:
            sample = next(samples, END)
            return END if sample is END else self.collate_fn(sample)
        batch = list(itertools.islice(samples, self.batch_size))
        incomplete = not batch or (self.drop_last and len(batch) < self.batch_size)
        return END if incomplete else self.collate_fn(batch)


def _until_end(batches):
    for batch in batches:
        if batch is END:
            return
        yield batch


_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


def check_seed(seed):
    if seed is not None and (not isinstance(seed, Integral) or isinstance(seed, bool)):
        raise BadType(f"seed must be an integer, got {seed!r}")
    return seed


def _default_sampler(dataset, is_stream, shuffle, generator):
    if is_stream:
        return itertools.repeat(None)
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def _check_kinds(dataset, timeout, collate_fn, generator):
    for name, value, wanted, good in (
        ("dataset", dataset, "have __getitem__ and __len__, or be an IterableDataset",
         any(hasattr(dataset, method) for method in ("__getitem__", "__getitems__", "__iter__"))),
        ("timeout", timeout, "be a number of seconds", isinstance(timeout, Real) and timeout == timeout),
        ("collate_fn", collate_fn, "be a function", collate_fn is None or callable(collate_fn)),
        ("generator", generator, "be a minicnn.Generator", isinstance(generator, arrays.Generator | None)),
    ):
        if not good:
            raise BadType(f"{name} must {wanted}; got {type(value).__name__} {value!r}")


def _check_worker_options(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context):
    if isinstance(num_workers, bool) or not isinstance(num_workers, int):
        raise BadType(f"num_workers must be an integer, got {num_workers!r}")
    if num_workers < 0 or timeout < 0:
        raise BadValue(f"num_workers and timeout must not be negative, got {num_workers} and {timeout}")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise BadValue(f"prefetch_factor must not be negative, got {prefetch_factor}")
    for name, given in (("prefetch_factor", prefetch_factor is not None), ("persistent_workers", persistent_workers),
                        ("multiprocessing_context", multiprocessing_context is not None)):
        if given and num_workers == 0:
            raise BadValue(f"{name} needs num_workers > 0")


def _check_stream_options(shuffle, sampler, batch_sampler):
    for name, given in (("shuffle", shuffle), ("sampler", sampler is not None), ("batch_sampler", batch_sampler is not None)):
        if given:
            raise BadValue(f"an IterableDataset has its own order: {name} cannot be given")


def _check_exclusions(batch_size, shuffle, sampler, batch_sampler, drop_last):
    if sampler is not None and shuffle:
        raise BadValue("sampler and shuffle exclude each other: both decide the order")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise BadValue("batch_sampler excludes batch_size, shuffle, sampler and drop_last: it decides them all")
    if batch_sampler is None and batch_size is None and drop_last:
        raise BadValue("batch_size=None means no batches, so drop_last cannot be given")
