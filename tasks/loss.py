"""Stage ``loss``: what networks are trained for, packed."""

from ftn_core.parameters import Parameters
from ftn_core.sources.pack_loss import pack_loss
from tasks import paths
from tasks.tracking.tracker import Tracker


def loss(params: Parameters, tracker: Tracker) -> None:
    """Pack the losses of the base and of the adapted levels, with the features and style images that they need."""
    weights = params.features.weights
    folders = {"features": paths.FEATURES, "styles": paths.STYLES}
    pack_loss(paths.BASE_LOSS, params.train.loss, weights=weights, **folders)
    pack_loss(paths.ADAPTED_LOSS, params.finetune.loss, weights=weights, **folders)
