"""The schedule of the training loop's checks of its loss."""

from lightning_fabric import Fabric

from ftn_core.training.processes import on_rank_zero


class CheckSchedule:
    """Says after which steps to check the loss: about every ``seconds``, because a check waits for the device.

    A single process uses its clock. Several processes must check after the same steps, but agreeing on that after every
    step would slow each step. So at each check, the first process computes the step of the next check from its recent
    pace.
    """

    def __init__(self, fabric: Fabric, seconds: float, step: int, now: float) -> None:
        self._fabric, self._seconds = fabric, seconds
        self._step, self._at, self._next = step, now, step + 1

    def due(self, step: int, now: float) -> bool:
        """Whether to check after ``step`` steps, at time ``now`` in seconds."""
        return now - self._at >= self._seconds if self._fabric.world_size == 1 else step >= self._next

    def done(self, step: int, now: float) -> None:
        """Record that a check begins. All processes must call this after the same steps."""
        if self._fabric.world_size > 1:
            pace = (step - self._step) / max(now - self._at, 1e-6)
            self._next = step + on_rank_zero(self._fabric, lambda: max(1, int(pace * self._seconds)))
        self._step, self._at = step, now
