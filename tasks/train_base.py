"""Stage ``train_base``: the base network at the base level."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.processes import together
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def train_base(params: "Parameters", tracker: "Tracker") -> None:
    """Train the base network at the base level."""
    from ftn_core.degradations import Degradation
    from tasks.training_run import train_from_scratch

    train_from_scratch(
        params.levels.base,
        workspace.BASE_OBJECTIVE,
        workspace.BASE,
        tracker,
        steps=params.train.steps,
        seed=params.seed,
        threads=params.threads,
        degradation=Degradation.of(params.degradation),
        network=params.network,
        train=params.train,
    )


if __name__ == "__main__":
    main(train_base, lambda name, params: together(name, params.train.devices))
