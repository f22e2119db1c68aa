"""Stage ``noisy@SIGMA``: the noisy set of one sigma."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def noisy(params: "Parameters", tracker: "Tracker", sigma: float) -> None:
    """Write the noisy versions of the validation and test photographs (training ones too, if its noise is fixed)."""
    from ftn_core.data.noise import write_noisy_set

    write_noisy_set(
        workspace.PHOTOGRAPHS,
        workspace.noisy_set(sigma),
        sigma=sigma,
        seed=params.seed,
        clip=params.data.clip_noise,
        train=params.train.noise == "fixed",
    )


if __name__ == "__main__":
    main(noisy)
