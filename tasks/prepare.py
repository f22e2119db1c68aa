"""Stage ``prepare``: pack the photographs."""

from pathlib import Path

from ftn_core.parameters import Parameters
from ftn_core.sources.pack import pack_photographs
from tasks import paths
from tasks.tracking.tracker import Tracker


def prepare(params: Parameters, tracker: Tracker) -> None:
    """Decode the photographs once and pack them into train, val and test stores with a manifest."""
    pack_photographs(
        paths.PHOTOGRAPHS,
        source=params.data.source,
        folder=Path(params.data.folder),
        include=params.data.include,
        archive=params.data.archive,
        val_fraction=params.data.val_fraction,
        test_fraction=params.data.test_fraction,
        min_side=params.data.min_side,
        max_pixels=params.data.max_pixels,
        downloads=paths.DOWNLOADS,
    )
    tracker.artifact(paths.MANIFEST)
