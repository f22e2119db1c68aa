"""Stage ``pretrained``: the weights that trainings start from, if there are any."""

from ftn_core.parameters import Parameters
from ftn_core.released.pretrained import pretrained_network
from ftn_core.runtime.network_file import TrainedNetwork, network_spec
from tasks import paths
from tasks.tracking.tracker import Tracker


def pretrained(params: Parameters, tracker: Tracker) -> None:
    """Write the network that ``train.start`` has at the base's level, and at the far end of each line."""
    paths.PRETRAINED.mkdir(parents=True, exist_ok=True)
    # a folder without any file would not come back from DVC's cache
    (paths.PRETRAINED / "source.txt").write_text(f"{params.train.start}\n")
    if params.train.start is None:
        return
    spec = network_spec(params.network)
    for level in (params.levels.base, *params.levels.lines):
        network = pretrained_network(params.train.start, spec, level)
        TrainedNetwork(spec, network, level).save(paths.pretrained_at(level))
