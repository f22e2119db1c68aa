"""The gate's check of a new denoiser: score it and the champion on the same photographs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from ftn_core.data.store import Store
from ftn_core.data.subset import evenly_spaced
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.gate import Decibels, Measured, Verdict, judge
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import measure
from ftn_core.evaluation.sweep import folded
from ftn_core.losses.loss import Loss
from ftn_core.parameters.evaluation import Gate


@dataclass(frozen=True)
class GateImages:
    """Test photographs, their degraded versions by level, and the losses of the base and of the adapted levels."""

    clean: Store
    degraded: dict[float, Store]
    losses: tuple[Loss, Loss]


@dataclass(frozen=True)
class KnownCosts:
    """What earlier stages measured: the dial's evenness, the file's size, a pass's time relative to the base's."""

    evenness: float
    megabytes: float
    time: float


class GateCheck:
    """Checks a denoiser against the gate's rules.

    The denoiser's scores are cached. A check against another champion only scores that champion.

    Args:
        load_champion: loads a version from the registry; returns the reason as text if it cannot be loaded.
    """

    def __init__(
        self,
        bounds: Gate,
        denoiser: ContinuousDenoiser,
        costs: KnownCosts,
        images: GateImages,
        device: torch.device,
        load_champion: Callable[[str], ContinuousDenoiser | str],
    ) -> None:
        self.denoiser = denoiser.to(device)
        self._bounds, self._costs, self._device, self._load_champion = bounds, costs, device, load_champion
        self._levels: Sequence[float] = list(images.degraded)
        self._losses = [loss.to(device) for loss in images.losses]
        self._pairs = Pairs(images.clean, images.degraded, device, limit=bounds.images)
        self._images = len(evenly_spaced(len(images.clean), bounds.images))

    def verdict(self, version: str, champion: str | None) -> Verdict:
        """Check the version; compare it with the champion unless there is none or it is the version itself."""
        if champion is None:
            return self._judge(version, note="There was no champion.")
        if champion == version:
            return self._judge(version, note="It was champion already.")
        other = self._load_champion(champion)
        if isinstance(other, str):
            return self._judge(version, note=f"The champion, version {champion}, no longer loads: {other}")
        theirs, own = other.task.quantity, self.denoiser.task.quantity
        if theirs != own:  # users who load the champion by its alias would set a dial that no longer exists
            note = (
                f"The champion, version {champion}, goes by {theirs} and this version by {own}, which cannot be "
                "compared: register it under a name of its own (register.model)."
            )
            return self._judge(version, (champion, dict.fromkeys(self._levels, math.nan)), note)
        scores = self._scores(other)
        if any(map(math.isnan, scores.values())):
            return self._judge(version, note=f"The champion, version {champion}, returns NaN.")
        return self._judge(version, (champion, scores))

    def _judge(self, version: str, champion: tuple[str, Decibels] | None = None, note: str = "") -> Verdict:
        quantity = self.denoiser.task.quantity.name
        return judge(self._bounds, version, self._measured, self._images, quantity, champion, note)

    @cached_property
    def _measured(self) -> Measured:
        return Measured(
            trained=self.denoiser.trained,
            ends=self.denoiser.ends,
            degraded={level: self._mean(nn.Identity(), level) for level in self._levels},
            score=self._scores(self.denoiser),
            evenness=self._costs.evenness,
            megabytes=self._costs.megabytes,
            time=self._costs.time,
        )

    def _scores(self, denoiser: ContinuousDenoiser) -> dict[float, float]:
        denoiser.to(self._device)
        places = {level: [denoiser.position(level)] for level in self._levels}
        found = {s: self._mean(network, s) for _, network, levels in folded(denoiser, places) for s in levels}
        return {level: found[level] for level in self._levels}

    def _mean(self, network: nn.Module, level: float) -> float:
        loss = self._losses[level != self.denoiser.base_level]
        rows = measure(network, self._pairs, level, loss.decibels)
        return sum(decibels for (decibels,) in rows) / len(rows)
