"""Stage ``costs``: what each method costs, compared with the base."""

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.costs import cost_of_denoiser, cost_of_network
from ftn_core.evaluation.records.costs import Costs
from ftn_core.parameters import Parameters
from ftn_core.runtime.device import set_up_torch
from ftn_core.runtime.network_file import TrainedNetwork
from ftn_core.runtime.noise_conditioned import NoiseConditioned
from tasks import paths
from tasks.tracking.tracker import Tracker


def costs(params: Parameters, tracker: Tracker) -> None:
    """Count parameters and multiply-adds, and time each network beside the base in the same run."""
    device = set_up_torch(params.threads)
    base = TrainedNetwork.load(paths.BASE, device).network
    of = {"base": cost_of_network(base, base, device)}
    for sigma in params.levels.noise_conditioned:
        network = TrainedNetwork.load(paths.noise_conditioned(sigma), device).network
        of[paths.noise_conditioned_name(sigma)] = cost_of_network(NoiseConditioned(network, sigma), base, device)
    for name in params.levels.rows:
        denoiser = ContinuousDenoiser.load(paths.denoiser(name)).to(device)
        of[name] = cost_of_denoiser(denoiser, device)
        print(f"{tracker.stage}: {name}, {100 * of[name].extra_parameters:.2f} % more parameters a level", flush=True)
    Costs(of=of).write(paths.COSTS)
    for name, cost in of.items():
        label = name.replace(",", "")
        tracker.metrics({f"{key}/{label}": float(value) for key, value in cost.model_dump().items()})
