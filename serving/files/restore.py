"""One call of ``ftn restore``, from its arguments to the last line that it prints."""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from ftn_core.runtime.device import best_device
from ftn_core.utils.limits import cores
from ftn_core.utils.messages import complain, say
from ftn_core.utils.progress import Progress
from ftn_core.words.labels import label, phrase
from serving.files.bands import restore_in_bands
from serving.files.contact_sheet import STOPS, contact_sheet, stop_positions
from serving.files.dial_setting import DialSetting
from serving.files.inputs import CONTACT_SHEET, RESTORED, Job, plan_jobs
from serving.files.job_runner import JobRunner
from serving.files.level_argument import LevelArgument
from serving.files.model import choose_denoiser
from serving.files.pictures import Picture, PixelArray


class Restoration:
    """One call of the command. Mistakes in the call are found when it is constructed, before any work."""

    def __init__(
        self,
        paths: Sequence[str],
        *,
        level: LevelArgument | None = None,
        alpha: float | None = None,
        contact_sheet: bool = False,
        model: str | None = None,
        method: str | None = None,
        out: Path | None = None,
        overwrite: bool = False,
    ) -> None:
        """Raises ``UserError`` for any mistake. With neither ``level`` nor ``alpha`` sigma is found in each picture."""
        warnings.filterwarnings("ignore", module="PIL")  # what Pillow cannot read it raises: warnings are only noise
        jobs = plan_jobs(paths, out, CONTACT_SHEET if contact_sheet else RESTORED)
        self.name, denoiser = choose_denoiser(model, method)
        torch.set_num_threads(min(torch.get_num_threads(), cores()))  # PyTorch knows no quota of a container
        denoiser.to(best_device())
        number = level.level_of(denoiser.task.quantity) if level else None
        # a contact sheet shows the whole dial and needs no level
        self.dial = DialSetting(denoiser, number, 0.0 if contact_sheet else alpha)
        self.runner = JobRunner(jobs, overwrite=overwrite)
        self._contact_sheet = contact_sheet
        self._network: nn.Module | None = None

    def run(self) -> int:
        """Restore all pictures and print what happens. When interrupted, it ends the process with exit code 130.

        Returns:
            The exit code: 1 if some pictures failed, else 0.
        """
        quantity = self.dial.quantity
        levels = ", ".join(label(quantity, level) for level in self.dial.denoiser.trained)
        say(f"model: {self.name}, {quantity.name} {levels}")
        say(f"dial: {self._stops() if self._contact_sheet else self.dial.description}")
        if self.dial.level is not None and (note := self.dial.out_of_range_note(self.dial.level)):
            complain(f"note: {phrase(quantity, self.dial.level)} is {note}")
        restore = self._contact_sheet_of if self._contact_sheet else self._restored
        try:
            self.runner.run(restore, Progress("restore", "pictures", len(self.runner.jobs)))
        except KeyboardInterrupt:
            self._report()
            left = len(self.runner.jobs) - self.runner.results.done - len(self.runner.results.failed)
            complain(f"interrupted with {left} to go: the same command goes on from here")
            sys.stdout.flush()
            os._exit(130)  # sys.exit would wait for pictures that are still being read or written
        self._report()
        return int(bool(self.runner.results.failed))

    def _restored(self, job: Job, picture: Picture) -> PixelArray:
        level = self.dial.level_for(picture)
        if level is not None and self.dial.level is None:
            note = self.dial.found_note(level)
            say(f"{job.source}: found {phrase(self.dial.quantity, level)}{', ' + note if note else ''}")
        self._network = self.dial.denoiser.fold(self.dial.position(level), self._network)
        return restore_in_bands(self._network, picture, _row_progress(job, picture))

    def _contact_sheet_of(self, job: Job, picture: Picture) -> PixelArray:
        return contact_sheet(self.dial.denoiser, picture, _row_progress(job, picture, STOPS))

    def _stops(self) -> str:
        denoiser, quantity = self.dial.denoiser, self.dial.quantity
        levels = ", ".join(label(quantity, denoiser.level_at(position)) for position in stop_positions(denoiser))
        return f"the picture as it is, then at {quantity.name} {levels}"

    def _report(self) -> None:
        results, existing = self.runner.results, len(self.runner.existing)
        line = f"{results.done:,} restored"
        if existing:
            line += f", {existing:,} were there already and stay (--overwrite makes them anew)"
        if results.failed:
            line += f", {len(results.failed):,} failed:"
        say(line)
        for source, reason in results.failed.items():
            complain(f"  {source}: {reason}")


def _row_progress(job: Job, picture: Picture, times: int = 1) -> Callable[[int], None]:
    """Progress within one picture. It prints nothing for a picture that takes less than a few seconds."""
    return Progress(job.source.name, "rows", times * len(picture.pixels))
