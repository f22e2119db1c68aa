"""Stage ``train_line@LEVEL``: a base and a direction from the base's level to this one, trained together."""

from dataclasses import replace

from ftn_core.data.store import Store
from ftn_core.data.task import DegradationSpec
from ftn_core.denoiser.denoiser import between
from ftn_core.denoiser.level import save_level
from ftn_core.parameters import Parameters
from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.runtime.network_file import TrainedNetwork, network_spec
from ftn_core.training.batches import Degraded, FreshNoiseRange, StoredLevels
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import describe_precision, make_fabric
from ftn_core.training.line import LineNetwork, learn_line
from ftn_core.training.loop import Run
from ftn_core.training.train import Recipe, initial_network, noise_at, plan_from_scratch, write_curve
from tasks import paths
from tasks.tracking.tracker import Tracker


def train_line(params: Parameters, tracker: Tracker, level: float) -> None:
    """Train a line of networks from fresh weights, with as many steps as the base and finetuning have in sum.

    Noise is of any level between the ends. What is not drawn anew for every batch is of the levels that have a degraded
    set.
    """
    fabric = make_fabric(params.threads, params.train.precision, params.train.devices)
    spec, first, draws = network_spec(params.network), params.levels.base, params.line.levels_per_step
    base = initial_network(spec, params.seed, fabric, paths.pretrained_at(first))
    far = paths.pretrained_at(level)  # none without train.start: then both ends start as the base
    end_network = initial_network(spec, params.seed, fabric, far) if far.exists() else None
    network = LineNetwork(base, (first, level), draws, end_network)
    degradation = DegradationSpec.of(params.degradation)
    at_first, at_last = (
        noise_at(degradation, end, params.train) or Store(paths.degraded_set(end) / "train") for end in (first, level)
    )
    weak, strong = sorted((first, level))
    drawn: Degraded = FreshNoiseRange(weak, strong, degradation.clips, draws, params.line.draw_power)
    if isinstance(at_first, Store):
        levels = [x for x in params.data.levels if between(x, first, level)]
        drawn = StoredLevels({x: Store(paths.degraded_set(x) / "train") for x in levels}, draws)
    recipe = Recipe(
        data=TrainingData(paths.PHOTOGRAPHS, paths.degraded_set(level), params.train.permute_channels),
        degraded=drawn,
        loss=paths.ADAPTED_LOSS,
        plan=replace(plan_from_scratch(params.train, params.train.steps + params.finetune.steps), lr=params.line.lr),
        seed=params.seed,
        val_images=params.train.val_images,
        teacher=LineNetwork.of(published_ffdnet(), draws) if params.line.teacher else None,
    )
    tracker.tag("ftn.precision", describe_precision(fabric))
    run = Run(tracker.stage, tracker.state_file, tracker.metrics)
    end, rows = learn_line(network, (at_first, at_last), recipe, run, fabric, norm_batches=params.finetune.norm_batches)
    if fabric.is_global_zero:
        TrainedNetwork(spec, network.base, first).save(paths.line_base(level))
        save_level(paths.line_end(level), end, degradation.ratio(level, first), network.base)
        write_curve(paths.curve(tracker.stage), rows)
