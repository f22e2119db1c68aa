"""When a training checks its loss."""

from lightning_fabric import Fabric

from ftn_core.training.processes import on_rank_zero


class CheckSchedule:
    """Says after which steps to check the loss: about every ``seconds``, because each check waits for the device.

    One process asks its clock. Several must check after the same steps, and to agree on that after every step would
    make each step wait: at a check the first process says, from the pace since the last one, when the next is.
    """

    def __init__(self, fabric: Fabric, seconds: float, step: int, now: float) -> None:
        self._fabric, self._seconds = fabric, seconds
        self._step, self._at, self._next = step, now, step + 1

    def due(self, step: int, now: float) -> bool:
        """Whether to check after ``step`` steps, at the time ``now``, in seconds of the clock given at the start."""
        return now - self._at >= self._seconds if self._fabric.world_size == 1 else step >= self._next

    def done(self, step: int, now: float) -> None:
        """A check begins. All processes call this after the same steps."""
        if self._fabric.world_size > 1:
            pace = (step - self._step) / max(now - self._at, 1e-6)
            self._next = step + on_rank_zero(self._fabric, lambda: max(1, int(pace * self._seconds)))
        self._step, self._at = step, now
