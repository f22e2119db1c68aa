"""The gate's judgement of a denoiser that was trained here: both models on the same photographs."""

import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import workspace

if TYPE_CHECKING:
    from torch import nn

    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.gate import Measured, Verdict
    from ftn_core.parameters import Gate


class Judgement:
    """Scores are kept, so that judging anew, beside another champion, costs only that one's."""

    def __init__(self, bounds: "Gate", sigmas: list[float], threads: int, method: str) -> None:
        from ftn_core.data.pairs import Pairs, evenly
        from ftn_core.data.store import Store
        from ftn_core.device import make_fabric

        self.weights: Path = workspace.denoiser(method)
        self._bounds, self._sigmas, self._method = bounds, sigmas, method
        self._device = make_fabric(threads).device
        clean = Store(workspace.PHOTOGRAPHS / "test")
        noisy = {sigma: Store(workspace.noisy_set(sigma) / "test") for sigma in sigmas}
        self._pairs = Pairs(clean, noisy, self._device, limit=bounds.images)
        self._images = len(evenly(len(clean), bounds.images))

    def verdict(self, model: str, version: str, champion: str | None) -> "Verdict":
        """Hold the version against the rules and, unless it is the champion itself, against the champion."""
        from ftn_core.gate import judge
        from serving.registry.rival import load_rival

        if champion is None:
            return judge(self._bounds, version, self._measured, self._images, note="There was no champion.")
        if champion == version:
            return judge(self._bounds, version, self._measured, self._images, note="It was champion already.")
        rival = load_rival(model, champion, beside=version)
        if isinstance(rival, str):
            note = f"The champion, version {champion}, no longer loads: {rival}"
            return judge(self._bounds, version, self._measured, self._images, note=note)
        psnr = self._psnr(rival)
        if any(map(math.isnan, psnr.values())):
            note = f"The champion, version {champion}, answers what is no number."
            return judge(self._bounds, version, self._measured, self._images, note=note)
        return judge(self._bounds, version, self._measured, self._images, (champion, psnr))

    @cached_property
    def _measured(self) -> "Measured":
        from torch import nn

        from ftn_core.continuous import ContinuousDenoiser
        from ftn_core.gate import Measured
        from ftn_core.results import Costs, Evaluation

        denoiser = ContinuousDenoiser.load(self.weights)
        return Measured(
            levels=denoiser.sigmas,
            noisy={sigma: self._mean(nn.Identity(), sigma) for sigma in self._sigmas},
            psnr=self._psnr(denoiser),
            evenness=Evaluation.read(workspace.method_result(self._method)).smoothness.evenness,
            megabytes=self.weights.stat().st_size / 1e6,
            time=Costs.read(workspace.COSTS).of[self._method].time,
        )

    def _psnr(self, denoiser: "ContinuousDenoiser") -> dict[float, float]:
        from ftn_core.evaluation import folded

        denoiser.to(self._device)
        places = {sigma: [denoiser.position(sigma)] for sigma in self._sigmas}
        found = {s: self._mean(network, s) for _, network, sigmas in folded(denoiser, places) for s in sigmas}
        return {sigma: found[sigma] for sigma in self._sigmas}

    def _mean(self, network: "nn.Module", sigma: float) -> float:
        from ftn_core.evaluation import measure
        from ftn_core.metrics import psnr_each

        rows = measure(network, self._pairs, sigma, psnr_each)
        return sum(decibels for (decibels,) in rows) / len(rows)
