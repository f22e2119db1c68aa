"""Stage ``train_reference@LEVEL``: a network of its own for one level, which the adapted ones are held against."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.processes import together
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def train_reference(params: "Parameters", tracker: "Tracker", level: float) -> None:
    """Train a network from scratch at one level, with the steps of the base and of finetuning together."""
    from ftn_core.degradations import Degradation
    from tasks.training_run import train_from_scratch

    train_from_scratch(
        level,
        workspace.ADAPTED_OBJECTIVE,
        workspace.scratch(level),
        tracker,
        steps=params.train.steps + params.finetune.steps,
        seed=params.seed,
        threads=params.threads,
        degradation=Degradation.of(params.degradation),
        network=params.network,
        train=params.train,
    )


if __name__ == "__main__":
    main(train_reference, lambda name, params: together(name, params.train.devices))
