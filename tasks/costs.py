"""Stage ``costs``: what each method costs beside the base."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def costs(params: "Parameters", tracker: "Tracker") -> None:
    """Count parameters and multiply-adds, and time each network beside the base in the same run."""
    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.costs import cost_of_denoiser, cost_of_network
    from ftn_core.device import make_fabric
    from ftn_core.level_input import ToldSigma
    from ftn_core.results import Costs
    from ftn_core.trained import TrainedNetwork

    device = make_fabric(params.threads).device
    base = TrainedNetwork.load(workspace.BASE, device).network
    of = {"base": cost_of_network(base, base, device)}
    for sigma in params.levels.level_input:
        network = TrainedNetwork.load(workspace.level_input(sigma), device).network
        of[workspace.told_sigma(sigma)] = cost_of_network(ToldSigma(network, sigma), base, device)
    for name in [*params.levels.methods, *map(workspace.chain, params.levels.chains)]:
        denoiser = ContinuousDenoiser.load(workspace.denoiser(name)).to(device)
        of[name] = cost_of_denoiser(denoiser, device)
        print(f"{tracker.stage}: {name}, {100 * of[name].extra_parameters:.2f} % more parameters a level", flush=True)
    Costs(of=of).write(workspace.COSTS)
    for name, cost in of.items():
        label = name.replace(",", "")
        tracker.metrics({f"{key}/{label}": float(value) for key, value in cost.model_dump().items()})


if __name__ == "__main__":
    main(costs)
