"""Trains the estimate of the noise level on clean photographs.

python -m ftn_core.noise_level.train FOLDER... [--examples 1800]

It writes ``weights/noise_level.safetensors``. Twenty minutes on one core; a fifth of the examples is held out and
scored.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ftn_core.noise_level.estimate import NETWORK
from ftn_core.noise_level.examples import KINDS, LEVELS, Examples
from ftn_core.noise_level.features import COUNT
from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.runtime.checkpoint import write_tensors
from ftn_core.utils.errors import UserError
from ftn_core.utils.progress import Progress

HIDDEN = 32
MEMBERS = 8
"""Networks that are trained from different weights; the estimate is the mean of theirs."""
FIT_STEPS = 3000
WORST = 8.0
"""Losses in dB above this count as this."""
HARM = 1.0
"""How much more a loss below the input counts."""


class Estimator(nn.Module):
    """From features to ``log(1 + sigma)``, sigma of 255.

    Args:
        inputs: of the training, ``N x COUNT``, for their mean and spread.
    """

    def __init__(self, inputs: Tensor, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.register_buffer("mean", inputs.mean(0))
        self.register_buffer("spread", inputs.std(0) + 1e-6)
        self.hidden, self.output = nn.Linear(COUNT, hidden), nn.Linear(hidden, 1)
        nn.init.constant_(self.output.bias, 2.0)

    def forward(self, inputs: Tensor, noise: float = 0.0) -> Tensor:
        """``N`` numbers. ``noise`` is added to the normalised features, so that they are not learned by heart."""
        x = (inputs - self.get_buffer("mean")) / self.get_buffer("spread")
        output: Tensor = self.output(torch.tanh(self.hidden(x + noise * torch.randn_like(x))))[:, 0]
        return output


def scores(curves: Tensor, found: Tensor) -> Tensor:
    """PSNR in dB at the estimated places, by straight lines between ``LEVELS``; differentiable in the places."""
    at = torch.from_numpy(np.log1p(LEVELS)).float()
    found = found.clamp(0, float(at[-1]) - 1e-4)
    i = torch.searchsorted(at, found.detach(), right=True) - 1
    share = (found - at[i]) / (at[i + 1] - at[i])
    rows = torch.arange(len(curves))
    return torch.lerp(curves[rows, i], curves[rows, i + 1], share)


def fit_mean(inputs: Tensor, curves: Tensor) -> Estimator:
    """The mean of ``MEMBERS`` estimators, as one of ``MEMBERS * HIDDEN`` hidden values."""
    members = [fit_estimator(inputs, curves, seed) for seed in range(MEMBERS)]
    mean = Estimator(inputs, HIDDEN * MEMBERS)
    with torch.no_grad():
        mean.hidden.weight.copy_(torch.cat([member.hidden.weight for member in members]))
        mean.hidden.bias.copy_(torch.cat([member.hidden.bias for member in members]))
        mean.output.weight.copy_(torch.cat([member.output.weight for member in members], dim=1) / MEMBERS)
        mean.output.bias.copy_(torch.stack([member.output.bias for member in members]).mean(0))
    return mean.eval().requires_grad_(False)


def fit_estimator(inputs: Tensor, curves: Tensor, seed: int) -> Estimator:
    """Train for the PSNR that is lost beside the best level, ``N`` examples at once."""
    torch.manual_seed(seed)
    estimator = Estimator(inputs)
    optimizer = torch.optim.AdamW(estimator.parameters(), lr=5e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, FIT_STEPS)
    best, place = curves.max(dim=1)
    best_place = torch.from_numpy(np.log1p(LEVELS)).float()[place]
    for step in range(FIT_STEPS):
        found = estimator(inputs, noise=0.05)
        reached = scores(curves, found)
        lost, harm = (best - reached).clamp(max=WORST), (curves[:, 0] - reached).clamp(0, WORST)
        # far from the best the curves are made up: there, and in the beginning, the distance leads
        far = (found - best_place).abs() * (0.3 * (1 - step / FIT_STEPS))
        optimizer.zero_grad()
        (lost + HARM * harm + far).mean().backward()
        optimizer.step()
        schedule.step()
    return estimator.eval().requires_grad_(False)


def main() -> None:
    """Draw examples, train, score, save."""
    parser = argparse.ArgumentParser(prog="python -m ftn_core.noise_level.train", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="clean photographs")
    parser.add_argument("--examples", type=int, default=1800)
    given = parser.parse_args()
    try:
        files = [file for folder in given.folders for file in sorted(folder.iterdir()) if file.is_file()]
        photographs = [np.array(Image.open(file).convert("RGB")) for file in files]
        examples = Examples(photographs, published_ffdnet(), seed=0)
    except (OSError, UserError) as error:
        print(f"noise_level: {error}", file=sys.stderr)
        sys.exit(2)
    progress, drawn = Progress("noise_level", "examples", given.examples), []
    for count in range(1, given.examples + 1):
        drawn.append(examples.draw())
        progress(count)
    inputs = torch.from_numpy(np.stack([example.features for example in drawn])).float()
    curves = torch.from_numpy(np.stack([example.curve for example in drawn])).float()
    kinds = np.array([example.kind for example in drawn])
    kept = len(drawn) * 4 // 5
    _report(fit_mean(inputs[:kept], curves[:kept]), inputs[kept:], curves[kept:], kinds[kept:])
    tensors = fit_mean(inputs, curves).state_dict()
    write_tensors(NETWORK, tensors, {"photographs": len(photographs), "examples": len(drawn)})


def _report(estimator: Estimator, inputs: Tensor, curves: Tensor, kinds: NDArray) -> None:
    reached = scores(curves, estimator(inputs))
    lost, harm = (curves.max(dim=1).values - reached).clamp(max=WORST).numpy(), (curves[:, 0] - reached).numpy()
    for kind in KINDS:
        chosen = kinds == kind
        mean, worst, share = lost[chosen].mean(), np.percentile(lost[chosen], 95), (harm[chosen] > 0.05).mean()
        print(
            f"{kind}: {chosen.sum()} held out, {mean:.2f} dB lost, {worst:.2f} in the worst of 20; "
            f"{100 * share:.0f} % below the input by more than 0.05 dB"
        )


if __name__ == "__main__":
    main()
