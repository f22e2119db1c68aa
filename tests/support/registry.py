"""Small denoisers and registered versions of them, for tests that play with a real MLflow store."""

from pathlib import Path

import mlflow
import torch

from ftn_core.continuous import ContinuousDenoiser, Level
from ftn_core.networks import build_network
from ftn_core.transitions import build_transition

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


def save_denoiser(path: Path, seed: int = 0) -> ContinuousDenoiser:
    torch.manual_seed(seed)
    base = build_network(**SPEC).eval()
    torch.nn.init.normal_(base.tail.weight, std=0.1)
    transition = build_transition("ftn", base, 2.5, groups=1)
    denoiser = ContinuousDenoiser(SPEC, base, 0.2, [Level(0.5, "ftn", {"groups": 1}, transition, {})])
    denoiser.save(path)
    return denoiser


def add_versions(client: mlflow.MlflowClient, model: str, count: int) -> None:
    """Versions without a model behind them: enough for whoever only moves aliases."""
    client.create_registered_model(model)
    for _ in range(count):
        client.create_model_version(model, source=Path("nothing").absolute().as_uri())
