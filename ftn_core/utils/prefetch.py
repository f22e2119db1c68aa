"""Work done ahead of its reader: by threads on all cores, in order, with a bound on what waits in memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ftn_core.utils.cores import cores

T = TypeVar("T")
R = TypeVar("R")


def prefetch(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    cost: Callable[[T], int],
    budget: int,
    workers: int | None = None,
) -> Generator[R, None, None]:
    """``function(item)`` for each item, in the order of the items, worked out before it is asked for.

    What a call raises comes up at its item's place. Leaving early waits for the calls that have begun and drops the
    others.

    Args:
        function: runs in several threads at once; only what lets go of the interpreter (NumPy, torch, files) gains.
        items: taken in the reader's thread, no further ahead than the budget allows.
        cost: of one item, in any unit; what its result takes in memory.
        budget: for each worker, in the same unit. Results that the reader has not finished with, begun ones included,
            cost at most all workers' budgets, or one item's cost where that is more.
        workers: threads; None for one on each core.
    """
    workers = workers or cores()
    waiting: deque[tuple[Future[R], int]] = deque()
    spent = 0
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            price = cost(item)
            # what is ready goes first, so that results do not pile up
            while waiting and (waiting[0][0].done() or spent + price > workers * budget):
                yield waiting[0][0].result()
                spent -= waiting.popleft()[1]
            waiting.append((pool.submit(function, item), price))
            spent += price
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(cancel_futures=True)
