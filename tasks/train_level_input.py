"""Stage ``train_level_input@SIGMA``: a network that is told sigma, which one would use where there is no dial."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.processes import together
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def train_level_input(params: "Parameters", tracker: "Tracker", sigma: float) -> None:
    """Train one network for all sigmas up to this one, with the steps of base and finetuning together."""
    from ftn_core.degradations import Degradation
    from tasks.training_run import train_from_scratch

    train_from_scratch(
        (params.levels.base, sigma),
        workspace.ADAPTED_OBJECTIVE,
        workspace.level_input(sigma),
        tracker,
        steps=params.train.steps + params.finetune.steps,
        seed=params.seed,
        threads=params.threads,
        degradation=Degradation.of(params.degradation),
        network=params.network,
        train=params.train,
    )


if __name__ == "__main__":
    main(train_level_input, lambda name, params: together(name, params.train.devices))
