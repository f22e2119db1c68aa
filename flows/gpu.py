"""One stage at a time on each GPU: Prefect's server counts a slot for each GPU of each machine."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from itertools import cycle

from prefect.concurrency.sync import concurrency


@contextlib.contextmanager
def gpu_slot(on_wait: Callable[[str], object]) -> Iterator[dict[str, str]]:
    """Wait for one of this worker's GPUs and hold it in the block; gives the environment for the stage.

    ``FTN_GPUS``, set by ``stack.worker``, lists the GPUs. An empty list hides all GPUs from the stage. Outside a worker
    it is not set, and the environment stays as it is.
    """
    listed = os.environ.get("FTN_GPUS")
    gpus = [gpu for gpu in (listed or "").split(",") if gpu]
    if not gpus:
        yield {} if listed is None else {"CUDA_VISIBLE_DEVICES": ""}
        return
    held = contextlib.ExitStack()
    for attempt, gpu in enumerate(cycle(gpus)):
        if attempt == len(gpus):
            on_wait(f"waits for a GPU: {listed} busy")
        # The lease frees the slot of a dead worker. A server that is away for longer than the lease ends no training.
        slot = concurrency(
            f"gpu-{socket.gethostname()}-{gpu}",
            timeout_seconds=2,
            lease_duration=60,
            strict=True,
            raise_on_lease_renewal_failure=False,
        )
        with contextlib.suppress(TimeoutError):
            held.enter_context(slot)
            break
    try:
        yield {"CUDA_VISIBLE_DEVICES": gpu}
    finally:
        try:
            held.close()
        except Exception as error:  # whatever it is, it must not lose a finished training
            on_wait(f"the slot of GPU {gpu} is not released, its lease will end by itself: {type(error).__name__}")
