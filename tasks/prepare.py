"""Stage ``prepare``: pack the photographs."""

from pathlib import Path
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def prepare(params: "Parameters", tracker: "Tracker") -> None:
    """Decode the photographs once and pack them into train, val and test stores with a manifest."""
    from ftn_core.data.photographs import pack_photographs

    pack_photographs(
        workspace.PHOTOGRAPHS,
        source=params.data.source,
        folder=Path(params.data.folder),
        include=params.data.include,
        archive=params.data.archive,
        val_fraction=params.data.val_fraction,
        test_fraction=params.data.test_fraction,
        min_side=params.data.min_side,
        max_pixels=params.data.max_pixels,
        downloads=workspace.DOWNLOADS,
    )
    tracker.artifact(workspace.MANIFEST)


if __name__ == "__main__":
    main(prepare)
