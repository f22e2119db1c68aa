"""Stage ``finetune@METHOD-LEVEL``: adapt the base to one more level."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def finetune(params: "Parameters", tracker: "Tracker", method: str, level: float) -> None:
    """Train a transition at one level, the base frozen; for a base with batch norm, estimate the level's statistics."""
    from ftn_core.adapted import AdaptedNetwork, estimate_statistics
    from ftn_core.continuous import ContinuousDenoiser, Level
    from ftn_core.device import make_fabric
    from ftn_core.transitions import build_transition
    from tasks.training_run import make_batches, train_network

    fabric = make_fabric(params.threads, params.train.precision)
    denoiser = ContinuousDenoiser.load(workspace.BASE)
    options = getattr(params.transitions, method).model_dump()
    transition = build_transition(method, denoiser.base, **options)
    network = AdaptedNetwork(denoiser.base, transition)
    batches = make_batches(
        level,
        params.finetune,
        fabric,
        clip=params.data.clip_noise,
        # other crops and noise than the base has seen
        seed=params.seed + 1,
        train=params.train,
    )
    train_network(network, batches, level, params.finetune, params.train, fabric, tracker)
    statistics = estimate_statistics(network, batches, params.finetune.norm_batches)
    adapted = Level(level, method, options, transition, statistics)
    ContinuousDenoiser(denoiser.spec, denoiser.base, denoiser.sigma, [adapted]).save(workspace.adapted(method, level))


if __name__ == "__main__":
    main(finetune)
