"""The pool of memory: a block is lent again when nobody refers to it, and never before; what is lent can be told from views."""

import threading

import numpy as np
import pytest

from minicnn.arrays import is_view

memory = pytest.importorskip("minicnn.kernels.cpu.memory")
SHAPE = (32, 64, 64)


def address(a):
    return a.__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def pool(monkeypatch):
    """A pool of one's own."""
    monkeypatch.setattr(memory, "POOL", memory.Pool())
    return memory.POOL


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.reshape(-1)[5:], lambda x: x.transpose(2, 0, 1).view(np.uint32), memoryview,
                                  lambda x: np.asarray(memoryview(x))[1:]], ids=["itself", "slice", "other dtype", "buffer", "of a buffer"])
def test_a_block_in_use_is_not_lent(view):
    x = memory.empty(SHAPE, np.float32)
    before, held = address(x), view(x)
    del x
    assert address(memory.empty(SHAPE, np.float32)) != before
    del held
    assert before in map(address, [memory.empty(SHAPE, np.float32) for _ in range(2)])


def test_similar_sizes_share_blocks(pool):
    first = address(memory.empty((1000, 1000), np.float32))
    assert address(memory.empty((999, 1000), np.float32)) == first
    assert len(pool.blocks) == 1


def test_fresh_arrays_are_no_views():
    x = memory.empty(SHAPE, np.float32)
    assert not is_view(x) and is_view(x[1:]) and is_view(x.reshape(-1)) and not is_view(x.copy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_begin_at_a_cache_line(dtype):
    assert {address(memory.empty((n, 64), dtype)) % memory.LINE for n in range(64, 200, 7)} == {0}


def test_what_lies_behind_can_be_read():
    """An array of the pool as it is; a foreign one copied to where there is slack."""
    x, foreign = memory.empty(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    assert memory.with_slack(x) is x and memory.with_slack(x[:3]).base is x
    copy = memory.with_slack(foreign)
    assert copy is not foreign and copy.base.nbytes >= copy.nbytes + memory.SLACK
    np.testing.assert_array_equal(copy, foreign)


def test_memory_is_returned_when_other_sizes_are_asked_for(pool):
    several = [memory.empty((256, 1 << 18), np.uint8) for _ in range(4)]           # 256 MB
    assert pool.size() >= 256 << 20
    del several
    memory.empty((100, 1 << 18), np.uint8)
    assert pool.size() < 32 << 20


def test_memory_that_every_step_asks_for_is_kept(pool):
    """A step ends with little in use, and with sizes that its beginning had not: from the third step on nothing is made."""
    made = []
    for _ in range(4):
        several = [memory.empty((64, 1 << 18), np.uint8) for _ in range(10)]
        del several
        ends = [memory.empty((1 << size,), np.uint8) for size in range(16, 20)]
        del ends
        made.append(pool.made)
    assert made[1] > made[0] and made[3] == made[2] == made[1]


def test_a_block_somewhat_larger_is_lent_where_none_of_the_size_is_free(pool):
    large = memory.empty((10 << 20,), np.uint8)
    memory.empty((6 << 20,), np.uint8)                          # while the large one is in use
    assert pool.made == 2
    del large
    kept = [memory.empty((6 << 20,), np.uint8), memory.empty((6 << 20,), np.uint8)]
    assert pool.made == 2
    kept.append(memory.empty((6 << 20,), np.uint8))
    assert pool.made == 3
    del kept
    memory.empty((2 << 20,), np.uint8)                          # 6 MB for 2 would be too much
    assert pool.made == 4


def test_small_blocks_are_lent_for_their_own_size_only(pool):
    memory.empty((200 << 10,), np.uint8)
    memory.empty((150 << 10,), np.uint8)
    assert pool.made == 2


def test_what_was_lent_is_not_free_before_it_is_used(pool):
    """From one call to the next, nobody but the caller refers to the memory."""
    first, second = pool.block(5000), pool.block(5000)
    assert first[0] is not second[0]


def test_threads_never_get_the_same_block():
    failed = []

    def work(number):
        for _ in range(300):
            x = memory.empty((5000,), np.float32)
            x[:] = number
            if not (x == number).all():
                failed.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
