"""Computes items in advance, in threads on all cores, in order, and in bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ftn_core.utils.limits import cores

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
    """Yield ``function(item)`` for each item, in the order of the items, computed in advance.

    An exception of a call is raised at its item's place. Closing the generator early waits for running calls and
    cancels the others.

    Args:
        function: runs in several threads at once. Only code that releases the GIL (NumPy, torch, files) gets faster.
        items: read in the caller's thread, as far in advance as the budget allows.
        cost: of one item, in any unit, such as the memory of its result.
        budget: for each worker, in the same unit. The items in flight cost at most the budgets of all workers together,
            or the cost of a single item if that is more. An item is in flight until the caller asks for the next one.
        workers: number of threads; None: one for each core.
    """
    workers = workers or cores()
    pending: deque[tuple[Future[R], int]] = deque()
    in_flight = 0
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            item_cost = cost(item)
            # yield finished results first, so that they do not accumulate
            while pending and (pending[0][0].done() or in_flight + item_cost > workers * budget):
                yield pending[0][0].result()
                in_flight -= pending.popleft()[1]
            pending.append((pool.submit(function, item), item_cost))
            in_flight += item_cost
        while pending:
            yield pending.popleft()[0].result()
    finally:
        pool.shutdown(cancel_futures=True)
