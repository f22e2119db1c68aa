"""Stage ``train_base``: the base network at the base level."""

from ftn_core.data.task import DegradationSpec
from ftn_core.parameters import Parameters
from ftn_core.runtime.network_file import TrainedNetwork, network_spec
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import describe_precision, make_fabric
from ftn_core.training.loop import Run
from ftn_core.training.train import Recipe, initial_network, noise_at, plan_from_scratch, train, write_curve
from tasks import paths
from tasks.tracking.tracker import Tracker


def train_base(params: Parameters, tracker: Tracker) -> None:
    """Train the base network at the base level."""
    fabric = make_fabric(params.threads, params.train.precision, params.train.devices)
    spec, level = network_spec(params.network), params.levels.base
    network = initial_network(spec, params.seed, fabric, paths.pretrained_at(level))
    recipe = Recipe(
        data=TrainingData(paths.PHOTOGRAPHS, paths.degraded_set(level), params.train.permute_channels),
        degraded=noise_at(DegradationSpec.of(params.degradation), level, params.train),
        loss=paths.BASE_LOSS,
        plan=plan_from_scratch(params.train, params.train.steps),
        seed=params.seed,
        val_images=params.train.val_images,
    )
    tracker.tag("ftn.precision", describe_precision(fabric))
    run = Run(tracker.stage, tracker.state_file, tracker.metrics)
    rows = train(network, recipe, run, fabric)
    if fabric.is_global_zero:
        TrainedNetwork(spec, network, level).save(paths.BASE)
        write_curve(paths.curve(tracker.stage), rows)
