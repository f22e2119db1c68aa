"""What ``ftn restore`` does, from its arguments to the last line that it prints."""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from ftn_core.utils.progress import Progress
from ftn_core.words.labels import label, phrase
from serving.files.bands import restored
from serving.files.batch import Batch
from serving.files.contact_sheet import STOPS, positions, strip
from serving.files.dial import Dial
from serving.files.inputs import MARKS, Job, plan
from serving.files.level import Written
from serving.files.model import chosen_denoiser
from serving.files.pictures import Picture, Pixels


class Restoration:
    """One call of the command: everything that can be refused is refused here, before any work."""

    def __init__(
        self,
        paths: Sequence[str],
        *,
        level: Written | None = None,
        alpha: float | None = None,
        strip: bool = False,
        model: str | None = None,
        method: str | None = None,
        out: Path | None = None,
        overwrite: bool = False,
    ) -> None:
        """Raises ``UserError`` for any mistake in the call. With neither ``level`` nor ``alpha`` sigma is found."""
        warnings.filterwarnings("ignore", module="PIL")  # of what it goes on with; what it cannot read it raises
        jobs = plan(paths, out, MARKS[1] if strip else MARKS[0])
        self.name, denoiser = chosen_denoiser(model, method)
        denoiser.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
        # a strip shows all of the dial: no level is needed
        self.dial = Dial(denoiser, level.of(denoiser.task.quantity) if level else None, 0.0 if strip else alpha)
        self.batch = Batch(jobs, overwrite=overwrite)
        self._restore = self._strip if strip else self._one
        self._network: nn.Module | None = None

    def run(self) -> int:
        """Restore, say what happens, and give the exit code: 1 where some failed. Interrupted, the process ends."""
        quantity = self.dial.quantity
        print(
            f"model: {self.name}, {quantity.name} {', '.join(label(quantity, level) for level in self.dial.denoiser.trained)}"
        )
        print(f"dial: {self.dial.words if self._restore == self._one else self._stops()}", flush=True)
        if self.dial.level is not None and (note := self.dial.beyond(self.dial.level)):
            print(f"note: {phrase(quantity, self.dial.level)} is {note}", file=sys.stderr)
        try:
            self.batch.run(self._restore, Progress("restore", "pictures", len(self.batch.jobs)))
        except KeyboardInterrupt:
            self._report()
            left = len(self.batch.jobs) - self.batch.outcome.done - len(self.batch.outcome.failed)
            print(f"interrupted with {left} to go: the same command goes on from here", file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(130)  # a plain exit would wait for pictures that are being read or written to no purpose
        self._report()
        return int(bool(self.batch.outcome.failed))

    def _one(self, job: Job, picture: Picture) -> Pixels:
        level = self.dial.found(picture)
        if level is not None and self.dial.level is None:
            note = self.dial.beyond(level)
            print(f"{job.source}: found {phrase(self.dial.quantity, level)}{', ' + note if note else ''}", flush=True)
        self._network = self.dial.denoiser.fold(self.dial.position(level), self._network)
        return restored(self._network, picture, _rows(job, picture))

    def _strip(self, job: Job, picture: Picture) -> Pixels:
        return strip(self.dial.denoiser, picture, _rows(job, picture, STOPS))

    def _stops(self) -> str:
        denoiser, quantity = self.dial.denoiser, self.dial.quantity
        levels = ", ".join(label(quantity, denoiser.level_at(position)) for position in positions(denoiser))
        return f"the picture as it is, then at {quantity.name} {levels}"

    def _report(self) -> None:
        outcome, there = self.batch.outcome, len(self.batch.there)
        line = f"{outcome.done:,} restored"
        if there:
            line += f", {there:,} were there already and stay (--overwrite makes them anew)"
        if outcome.failed:
            line += f", {len(outcome.failed):,} failed:"
        print(line, flush=True)
        for source, reason in outcome.failed.items():
            print(f"  {source}: {reason}", file=sys.stderr)


def _rows(job: Job, picture: Picture, times: int = 1) -> Callable[[int], None]:
    """Progress within one picture, which is seen where it is large."""
    return Progress(job.source.name, "rows", times * len(picture.pixels))
