"""The gate's judgement of a denoiser that was trained here: both models on the same photographs."""

import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import workspace

if TYPE_CHECKING:
    from torch import nn

    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.gate import Decibels, Measured, Verdict
    from ftn_core.parameters import Gate


class Judgement:
    """Scores are kept, so that judging anew, beside another champion, costs only that one's."""

    def __init__(self, bounds: "Gate", levels: list[float], threads: int, method: str) -> None:
        from ftn_core.data.pairs import Pairs, evenly
        from ftn_core.data.store import Store
        from ftn_core.device import make_fabric
        from ftn_core.objectives import load_objective

        self.weights: Path = workspace.denoiser(method)
        self._bounds, self._levels, self._method = bounds, levels, method
        self._device = make_fabric(threads).device
        paths = (workspace.BASE_OBJECTIVE, workspace.ADAPTED_OBJECTIVE)
        self._objectives = [load_objective(path).to(self._device) for path in paths]
        clean = Store(workspace.PHOTOGRAPHS / "test")
        degraded = {level: Store(workspace.degraded_set(level) / "test") for level in levels}
        self._pairs = Pairs(clean, degraded, self._device, limit=bounds.images)
        self._images = len(evenly(len(clean), bounds.images))

    def verdict(self, model: str, version: str, champion: str | None) -> "Verdict":
        """Hold the version against the rules and, unless it is the champion itself, against the champion."""
        from serving.registry.rival import load_rival

        if champion is None:
            return self._judge(version, note="There was no champion.")
        if champion == version:
            return self._judge(version, note="It was champion already.")
        rival = load_rival(model, champion, beside=version)
        if isinstance(rival, str):
            note = f"The champion, version {champion}, no longer loads: {rival}"
            return self._judge(version, note=note)
        theirs, own = rival.task.unit, self.denoiser.task.unit
        if theirs != own:  # who loads the champion by its alias would turn a dial that is no longer there
            note = (
                f"The champion, version {champion}, goes by {theirs} and this version by {own}, which cannot be "
                "compared: register it under a name of its own (register.model)."
            )
            return self._judge(version, (champion, dict.fromkeys(self._levels, math.nan)), note)
        scores = self._scores(rival)
        if any(map(math.isnan, scores.values())):
            note = f"The champion, version {champion}, answers what is no number."
            return self._judge(version, note=note)
        return self._judge(version, (champion, scores))

    def _judge(self, version: str, champion: "tuple[str, Decibels] | None" = None, note: str = "") -> "Verdict":
        from ftn_core.gate import judge

        unit = self.denoiser.task.unit.name
        return judge(self._bounds, version, self._measured, self._images, unit, champion, note)

    @cached_property
    def denoiser(self) -> "ContinuousDenoiser":
        """The one that was trained here."""
        from ftn_core.continuous import ContinuousDenoiser

        return ContinuousDenoiser.load(self.weights)

    @cached_property
    def _measured(self) -> "Measured":
        from torch import nn

        from ftn_core.gate import Measured
        from ftn_core.results import Costs, Evaluation

        return Measured(
            trained=self.denoiser.trained,
            degraded={level: self._mean(nn.Identity(), level) for level in self._levels},
            score=self._scores(self.denoiser),
            evenness=Evaluation.read(workspace.method_result(self._method)).smoothness.evenness,
            megabytes=self.weights.stat().st_size / 1e6,
            time=Costs.read(workspace.COSTS).of[self._method].time,
        )

    def _scores(self, denoiser: "ContinuousDenoiser") -> dict[float, float]:
        from ftn_core.evaluation import folded

        denoiser.to(self._device)
        places = {level: [denoiser.position(level)] for level in self._levels}
        found = {s: self._mean(network, s) for _, network, levels in folded(denoiser, places) for s in levels}
        return {level: found[level] for level in self._levels}

    def _mean(self, network: "nn.Module", level: float) -> float:
        from ftn_core.evaluation import measure

        objective = self._objectives[level != self.denoiser.base_level]
        rows = measure(network, self._pairs, level, objective.decibels)
        return sum(decibels for (decibels,) in rows) / len(rows)
