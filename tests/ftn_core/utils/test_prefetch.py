import threading
import time
from contextlib import closing

import pytest

from ftn_core.utils.prefetch import prefetch


def squares(items, *, budget=2, workers=3, cost=lambda _: 1):
    return prefetch(lambda i: i * i, items, cost=cost, budget=budget, workers=workers)


@pytest.mark.parametrize("workers", [1, 4, None])
def test_results_come_in_the_order_of_the_items(workers):
    def work(i):
        time.sleep(0.001 * (i % 3))
        return i * i

    assert list(prefetch(work, range(50), cost=lambda _: 1, budget=3, workers=workers)) == [i * i for i in range(50)]


def test_nothing_to_do():
    assert list(squares([])) == []


def test_as_many_calls_at_once_as_there_are_workers():
    meeting = threading.Barrier(3)
    results = prefetch(lambda i: meeting.wait(timeout=10), range(9), cost=lambda _: 1, budget=1, workers=3)
    assert sorted(results) == sorted([0, 1, 2] * 3)


@pytest.mark.parametrize("costs", [[1] * 60, [5, 1, 3, 2] * 15, [1, 100, 2, 2] * 15])
def test_what_waits_costs_no_more_than_the_budgets(costs):
    begun = []

    def work(i):
        begun.append(i)
        return i

    results = prefetch(work, range(60), cost=costs.__getitem__, budget=4, workers=2)
    for seen in results:
        if seen % 10 == 0:
            time.sleep(0.02)  # a slow reader: threads without a limit would run away
        held = sum(costs[seen : len(begun)])  # the one in the reader's hands counts
        assert held <= max(8, costs[seen])
    assert sorted(begun) == list(range(60))


def test_what_is_ready_is_handed_out_before_the_budget_is_used_up():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            time.sleep(0.005)
            yield i

    results = squares(items(), budget=1000)
    next(results)
    results.close()
    assert len(taken) < 100


def test_an_exception_comes_up_at_its_place():
    results = prefetch(lambda i: 6 // (3 - i), range(9), cost=lambda _: 1, budget=9, workers=2)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_an_exception_of_the_items_comes_up():
    def items():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(squares(items()))


@pytest.mark.parametrize("leave", [KeyboardInterrupt, None])
def test_leaving_early_drops_what_has_not_begun_and_leaves_no_thread(leave):
    before = set(threading.enumerate())  # other tests' threads may end meanwhile
    begun = []

    def work(i):
        begun.append(i)
        time.sleep(0.005)
        return i

    try:
        with closing(prefetch(work, range(1000), cost=lambda _: 1, budget=500, workers=2)) as results:
            assert next(results) == 0
            if leave:
                raise leave
    except KeyboardInterrupt:
        pass
    assert len(begun) < 20
    assert set(threading.enumerate()) <= before
