"""Stage ``objective``: what networks are trained for, packed."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def objective(params: "Parameters", tracker: "Tracker") -> None:
    """Pack the objectives of the base and of the adapted levels, with the features and style images that they need."""
    from ftn_core.data.objective import pack_objective

    weights = params.features.weights
    pack_objective(workspace.BASE_OBJECTIVE, params.train.loss, weights=weights, styles=workspace.STYLES)
    pack_objective(workspace.ADAPTED_OBJECTIVE, params.finetune.loss, weights=weights, styles=workspace.STYLES)


if __name__ == "__main__":
    main(objective)
