"""Stage ``finetune@METHOD-LEVEL``: the base adapted to one more level."""

from ftn_core.data.task import DegradationSpec
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import save_level
from ftn_core.parameters import Parameters
from ftn_core.runtime.network_file import TrainedNetwork
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import describe_precision, make_fabric
from ftn_core.training.finetune import adapt
from ftn_core.training.loop import Run
from ftn_core.training.plan import Plan
from ftn_core.training.train import Recipe, noise_at, write_curve
from ftn_core.utils.levels import chain_name
from tasks import paths
from tasks.tracking.tracker import Tracker


def finetune(params: Parameters, tracker: Tracker, method: str, level: float, between: bool = False) -> None:
    """Train a transition to one level.

    Args:
        between: the level is one of a chain's levels between. It starts from the method's dial at this level.
    """
    fabric = make_fabric(params.threads, params.train.precision)
    base = TrainedNetwork.load(paths.BASE)
    options = params.transitions[method]
    degradation = DegradationSpec.of(params.degradation)
    plan = Plan(
        steps=params.finetune.steps,
        lr=options.lr,
        batch_size=params.finetune.batch_size,
        crop=params.finetune.crop,
        schedule=params.train.schedule,
        validations=params.train.validations,
    )
    recipe = Recipe(
        data=TrainingData(paths.PHOTOGRAPHS, paths.degraded_set(level), params.train.permute_channels),
        degraded=noise_at(degradation, level, params.train),
        loss=paths.ADAPTED_LOSS,
        plan=plan,
        seed=params.seed + 1,  # other crops and noise than the base has seen
        val_images=params.train.val_images,
    )
    tracker.tag("ftn.precision", describe_precision(fabric))
    run = Run(tracker.stage, tracker.state_file, tracker.metrics)
    adapted, rows = adapt(
        base,
        level,
        options.method,
        options,
        degradation,
        recipe,
        run,
        fabric,
        seed=params.seed,
        norm_batches=params.finetune.norm_batches,
        start=ContinuousDenoiser.load(paths.denoiser(method)) if between else None,
    )
    out = paths.adapted(chain_name(method) if between else method, level)
    save_level(out, adapted, degradation.ratio(level, base.level), base.network)
    write_curve(paths.curve(tracker.stage), rows)
