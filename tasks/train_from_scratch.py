"""Stage ``train_from_scratch@LEVEL``: a network of its own for one level, a baseline for the adapted ones."""

from ftn_core.data.task import DegradationSpec
from ftn_core.parameters import Parameters
from ftn_core.runtime.network_file import TrainedNetwork, network_spec
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import describe_precision, make_fabric
from ftn_core.training.loop import Run
from ftn_core.training.train import Recipe, initial_network, noise_at, plan_from_scratch, train, write_curve
from tasks import paths
from tasks.tracking.tracker import Tracker


def train_from_scratch(params: Parameters, tracker: Tracker, level: float) -> None:
    """Train a network with fresh weights at one level, with as many steps as the base and finetuning have in sum."""
    fabric = make_fabric(params.threads, params.train.precision, params.train.devices)
    spec = network_spec(params.network)
    network = initial_network(spec, params.seed, fabric)
    recipe = Recipe(
        data=TrainingData(paths.PHOTOGRAPHS, paths.degraded_set(level), params.train.permute_channels),
        degraded=noise_at(DegradationSpec.of(params.degradation), level, params.train),
        loss=paths.ADAPTED_LOSS,
        plan=plan_from_scratch(params.train, params.train.steps + params.finetune.steps),
        seed=params.seed,
        val_images=params.train.val_images,
    )
    tracker.tag("ftn.precision", describe_precision(fabric))
    run = Run(tracker.stage, tracker.state_file, tracker.metrics)
    rows = train(network, recipe, run, fabric)
    if fabric.is_global_zero:
        TrainedNetwork(spec, network, level).save(paths.scratch(level))
        write_curve(paths.curve(tracker.stage), rows)
