"""Small denoisers and registered versions, for tests with a real MLflow store."""

import json
import shutil
from pathlib import Path

import mlflow
import numpy as np
import torch
from mlflow.models.model import ModelInfo

from ftn_core.data.task import DENOISING
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network
from registry.packaging import code_of, package

SPEC = {"name": "unshuffle_net", "channels": 8, "depth": 1}


def add_versions(client: mlflow.MlflowClient, model: str, count: int) -> None:
    """Register versions that have no files, which is enough for tests that only move aliases."""
    client.create_registered_model(model)
    for _ in range(count):
        client.create_model_version(model, source=Path("nothing").absolute().as_uri())


def package_denoiser(weights: Path) -> ModelInfo:
    """Log a denoiser to the active run, as stage `register` does. The working directory must be the project's root."""
    denoiser = ContinuousDenoiser.load(weights)
    code = code_of(denoiser.spec["name"], [level.method for level in denoiser.levels])
    return package(weights, code, denoiser.task.quantity.name, float(denoiser.base_level))


def train_denoiser(path: Path, steps: int, levels: tuple[float, float] = (0.2, 0.5)) -> ContinuousDenoiser:
    """A trained denoiser: the more steps, the better. It sees noise of all strengths, so that every level improves."""
    from skimage import data

    torch.manual_seed(0)
    base = build_network(**SPEC).train()
    photograph = torch.from_numpy(data.astronaut()).permute(2, 0, 1).float() / 255
    optimiser = torch.optim.Adam(base.parameters(), 0.01)
    # without a decay the result depends on where the last steps happen to end
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    for _ in range(steps):
        corners = torch.randint(0, 512 - 32, (8, 2)).tolist()
        clean = torch.stack([photograph[:, y : y + 32, x : x + 32] for y, x in corners])
        noisy = clean + torch.empty(8, 1, 1, 1).uniform_(0.2, 0.5) * torch.randn_like(clean)
        optimiser.zero_grad()
        (base(noisy) - clean).abs().mean().backward()
        optimiser.step()
        schedule.step()
    base.eval().requires_grad_(False)
    transition = build_transition("ftn", base, levels[1] / levels[0], groups=1)
    denoiser = ContinuousDenoiser(
        DENOISING, SPEC, base, levels[0], [AdaptedLevel(levels[1], "ftn", {"groups": 1}, transition, {})]
    )
    denoiser.save(path)
    return denoiser


def leave_results(denoiser: ContinuousDenoiser, sigmas: list[float]) -> None:
    """Write what stage ``register`` depends on: scores, smoothness of the dial, costs, metrics, table, and more."""
    from ftn_core.data.store import Store
    from ftn_core.evaluation.costs import cost_of_denoiser
    from ftn_core.evaluation.pairs import Pairs
    from ftn_core.evaluation.records.costs import Costs
    from ftn_core.evaluation.records.evaluation import Evaluation
    from ftn_core.evaluation.scoring import score
    from ftn_core.evaluation.smoothness import smoothness
    from ftn_core.evaluation.sweep import restore_along_dial
    from ftn_core.runtime.images import to_image
    from tasks import paths

    stores = {sigma: Store(paths.degraded_set(sigma) / "test") for sigma in sigmas}
    pairs = Pairs(Store(paths.PHOTOGRAPHS / "test"), stores, torch.device("cpu"))
    scores = {sigma: score(denoiser.fold(denoiser.position(sigma)), pairs, sigma) for sigma in sigmas}
    path = restore_along_dial(denoiser, to_image(stores[sigmas[-1]][0]), np.linspace(*denoiser.span, 5).tolist())
    Evaluation(
        name="ftn", own_base=False, trained=denoiser.trained, ends=denoiser.ends, dial=denoiser.dial, blend=[],
        scores=scores, grid=[],
        sheet_level=sigmas[-1], smoothness=smoothness(path),
    ).write(paths.method_result("ftn"))  # fmt: skip
    Costs(of={"ftn": cost_of_denoiser(denoiser, torch.device("cpu"), rounds=5)}).write(paths.COSTS)
    method = Path("data/methods/ftn.py")
    method.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile("ftn_core/transitions/ftn.py", method)
    psnr = {str(sigma): round(found.psnr, 4) for sigma, found in scores.items()}
    paths.METRICS.write_text(json.dumps({"psnr": {"ftn": psnr}}))
    paths.TABLE.write_text("| PSNR in dB at sigma | " + " | ".join(psnr) + " |\n")
