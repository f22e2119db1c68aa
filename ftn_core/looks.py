"""When a training looks at its loss."""

from lightning_fabric import Fabric

from ftn_core.processes import by_first


class Looks:
    """Says after which steps to look: about every ``seconds``, because each look waits for the device.

    One process asks its clock. Several must look after the same steps, and to agree on that after every step would make
    each step wait: at a look the first process says, from the pace since the last one, after which step the next is.
    """

    def __init__(self, fabric: Fabric, seconds: float, step: int, now: float) -> None:
        self._fabric, self._seconds = fabric, seconds
        self._step, self._at, self._next = step, now, step + 1

    def due(self, step: int, now: float) -> bool:
        """Whether to look after ``step`` steps, at the time ``now``, in seconds of the clock given at the start."""
        return now - self._at >= self._seconds if self._fabric.world_size == 1 else step >= self._next

    def taken(self, step: int, now: float) -> None:
        """A look has begun. All processes say so after the same steps."""
        if self._fabric.world_size > 1:
            pace = (step - self._step) / max(now - self._at, 1e-6)
            self._next = step + by_first(self._fabric, lambda: max(1, int(pace * self._seconds)))
        self._step, self._at = step, now
