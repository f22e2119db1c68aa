"""Stage ``finetune@METHOD-LEVEL``: adapt the base to one more level."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def finetune(params: "Parameters", tracker: "Tracker", method: str, level: float, between: bool) -> None:
    """Train a transition at one level, the base frozen; for a base with batch norm, estimate the level's statistics.

    With continuous supervision it is trained at every sigma from the base's level to its own, alpha rising with sigma.
    A chain's level between others goes on from where the method's dial stands for it.
    """
    import functools

    import torch

    from ftn_core.adapted import AdaptedNetwork, estimate_statistics, start_on_dial
    from ftn_core.continuous import ContinuousDenoiser, Level
    from ftn_core.device import make_fabric
    from ftn_core.parameters import Optimisation
    from ftn_core.task import make_task
    from ftn_core.trained import TrainedNetwork
    from ftn_core.transitions import build_transition
    from tasks.training_run import make_batches, train_network

    fabric = make_fabric(params.threads, params.train.precision)
    base = TrainedNetwork.load(workspace.BASE)
    entry = params.transitions[method]
    options = entry.options()
    torch.manual_seed(params.seed)
    task = make_task(params.degradation, params.train.loss, params.finetune.loss)
    ratio = task.degrade.ratio(level, base.level)
    transition = build_transition(entry.method, base.network, ratio, **options)
    if between:
        start_on_dial(transition, ContinuousDenoiser.load(workspace.denoiser(method)), level)
    network = AdaptedNetwork(base.network, transition, (base.level, level))
    budget = Optimisation(
        steps=params.finetune.steps,
        lr=entry.lr,
        batch_size=params.finetune.batch_size,
        crop=params.finetune.crop,
    )
    batches_at = functools.partial(
        make_batches,
        options=budget,
        fabric=fabric,
        degradation=task.degrade,
        # other crops and noise than the base has seen
        seed=params.seed + 1,
        train=params.train,
    )
    at_level = batches_at(level)
    continuous = entry.supervision == "continuous"
    batches = batches_at((base.level, level), one_sigma=True) if continuous else at_level
    train_network(network, workspace.ADAPTED_OBJECTIVE, batches, level, budget, params.train, fabric, tracker)
    statistics = estimate_statistics(network, at_level, params.finetune.norm_batches)
    adapted = Level(level, entry.method, options, transition, statistics)
    out = workspace.adapted(workspace.chain(method) if between else method, level)
    ContinuousDenoiser(task, base.spec, base.network, base.level, [adapted]).save(out)


if __name__ == "__main__":
    main(finetune)
