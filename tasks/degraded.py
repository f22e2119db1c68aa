"""Stage ``degraded@LEVEL``: the degraded set of one level."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def degraded(params: "Parameters", tracker: "Tracker", level: float) -> None:
    """Write the degraded validation and test photographs, and those to train on if nothing fresh takes their place."""
    from ftn_core.data.degraded_set import write_degraded_set
    from ftn_core.degradations import Degradation

    degradation = Degradation.of(params.degradation)
    write_degraded_set(
        workspace.PHOTOGRAPHS,
        workspace.degraded_set(level),
        degradation,
        level,
        seed=params.seed,
        train=params.train.noise == "fixed" or degradation.fresh(level) is None,
    )


if __name__ == "__main__":
    main(degraded)
