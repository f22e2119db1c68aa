"""Stage ``filters``: how the methods move the base's filters."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def filters(params: "Parameters", tracker: "Tracker") -> None:
    """Correlate every level's filters with the base's, and lay all of them into one plane."""
    import numpy as np

    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.filters import compare_filters

    names = [*params.levels.methods, *map(workspace.chain, params.levels.chains)]
    found, pictures = compare_filters({name: ContinuousDenoiser.load(workspace.denoiser(name)) for name in names})
    found.write(workspace.FILTERS)
    with workspace.FILTERS.with_suffix(".npz").open("wb") as file:
        np.savez(file, **pictures)  # type: ignore[arg-type]
    for change in found.changes:
        mean = sum(change.correlation.values()) / len(change.correlation)
        tracker.metrics({f"correlation/{change.name}": mean}, step=round(1000 * change.level))


if __name__ == "__main__":
    main(filters)
