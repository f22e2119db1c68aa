"""Stage ``degraded@LEVEL``: the degraded set of one level."""

from ftn_core.data.task import DegradationSpec
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.parameters import Parameters
from tasks import paths
from tasks.tracking.tracker import Tracker


def degraded(params: Parameters, tracker: Tracker, level: float) -> None:
    """Degrade the validation and test photographs, and those to train on unless their noise is drawn in training."""
    spec = DegradationSpec.of(params.degradation)
    write_degraded_set(
        paths.PHOTOGRAPHS,
        paths.degraded_set(level),
        Degradation.of(spec),
        level,
        seed=params.data.seed,
        train=params.train.noise == "fixed" or spec.fresh_sigma(level) is None,
    )
