"""Stage ``filters``: how the methods change the base's filters."""

import statistics

import numpy as np

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.filters import compare_filters
from ftn_core.parameters import Parameters
from ftn_core.utils.levels import chain_name
from tasks import paths
from tasks.tracking.tracker import Tracker


def filters(params: Parameters, tracker: Tracker) -> None:
    """Correlate every level's filters with the base's, and project all of them into one plane."""
    names = [*params.levels.methods, *map(chain_name, params.levels.chains)]
    found, pictures = compare_filters({name: ContinuousDenoiser.load(paths.denoiser(name)) for name in names})
    found.write(paths.FILTERS)
    with paths.FILTERS.with_suffix(".npz").open("wb") as file:
        np.savez(file, **pictures)  # type: ignore[arg-type]
    for change in found.changes:
        mean = statistics.fmean(change.correlation.values())
        tracker.at_level(change.level, {f"correlation/{change.name}": mean})
