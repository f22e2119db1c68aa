"""The champion, loaded to be compared with; or what is wrong with it."""

from ftn_core.continuous import ContinuousDenoiser
from serving.registry.address import reason
from serving.sources import load_denoiser


def load_rival(model: str, version: str, beside: str) -> ContinuousDenoiser | str:
    """A registered version, or in words why it cannot be loaded.

    Args:
        beside: a version that was stored a moment ago. Where not even that can be read, it is the way there that is
            broken and not the champion: then this raises what reading it raises.
    """
    try:
        return load_denoiser(f"models:/{model}/{version}")
    except Exception as error:  # whatever it is: a champion that nobody can use must not keep better ones back
        load_denoiser(f"models:/{model}/{beside}")
        return reason(error)
