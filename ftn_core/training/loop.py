"""The training loop, for networks and for transitions."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ftn_core.data.store import Store
from ftn_core.data.subset import evenly_spaced
from ftn_core.losses.loss import Loss
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.runtime.images import restore, to_image
from ftn_core.training.check_schedule import CheckSchedule
from ftn_core.training.cuda_graph import GraphedStep
from ftn_core.training.muon import Muon
from ftn_core.training.plan import Plan
from ftn_core.training.processes import on_rank_zero
from ftn_core.utils.errors import UserError
from ftn_core.utils.progress import Progress
from ftn_core.utils.stopwatch import Stopwatch

CurveRow = dict[str, float]
"""One row of the training curve: step, loss (mean since the previous row), val_score (the loss in decibels), lr."""

BatchSource = Callable[[int], tuple[Tensor, ...]]
"""From a step to what the network takes, and last what it is to give (batches.py, teacher.py)."""

SAVE_SECONDS = 10.0
"""Time between two writes of the state file."""
CHECK_SECONDS = 1.0
"""Time between two checks of the loss. A check waits for the device."""


@dataclass(frozen=True)
class Run:
    """One execution of a training: its name, its state file, and the recorder of its metrics.

    Args:
        label: first word of the printed lines.
        state_file: holds the state of an unfinished training.
        record: takes values by name, and their step.
    """

    label: str
    state_file: Path
    record: Callable[[dict[str, float], int], None] = lambda values, step: None


def validation_score(
    network: nn.Module, loss: Loss, clean: Store, degraded: Store, limit: int, device: torch.device
) -> float:
    """The mean loss in decibels over at most ``limit`` validation images, evenly spaced."""
    network.eval()
    with torch.inference_mode():
        scores = [
            float(loss.decibels(restore(network, to_image(degraded[i], device)), to_image(clean[i], device)))
            for i in evenly_spaced(len(clean), limit)
        ]
    network.train()
    return sum(scores) / len(scores)


def fit(
    network: nn.Module,
    loss: Loss,
    batches: BatchSource,
    validate: Callable[[nn.Module], float],
    plan: Plan,
    run: Run,
    fabric: Fabric,
) -> list[CurveRow]:
    """Train the network's trainable parameters in place, and return the training curve.

    A training can be killed at any moment. If called again with the same arguments, it resumes from ``run.state_file``,
    which it writes every few seconds and removes at the end. On a CPU the result equals that of an uninterrupted
    training bit for bit. A state that cannot be written ends no training: that is said once.

    ``run.record`` gets each row of the curve. For the time since the previous row, it also gets images per second and
    the share of the time in which the device waited for batches.

    On a GPU a step is captured as a CUDA graph, and the loop waits for the GPU only when it checks the loss.

    If several processes train together, each calls this with its share of every batch, and all return the same curve.
    Only the first process validates, records, prints, and reads and writes the state file. A training may resume with
    another number of processes.

    Raises:
        UserError: the loss or a weight is no longer finite. The last good state is kept.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    cuda = fabric.device.type == "cuda"
    # a CUDA graph reads each step's learning rate from a tensor
    lr = torch.tensor(plan.lr, device=fabric.device) if cuda else plan.lr
    optimizers = _optimizers(parameters, plan, lr)
    # convolutions are fastest in this memory layout, on CPUs and on GPUs
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model, *wrapped = fabric.setup(network, *optimizers)
    state = on_rank_zero(fabric, lambda: read_tensors(run.state_file) if run.state_file.exists() else None)
    start, rows, loss_sum = _load_state(state, network, optimizers)
    loss_sum = loss_sum.to(fabric.device)
    first = fabric.is_global_zero
    if first and start:
        print(f"{run.label}: goes on from step {start}", flush=True)
    for row in rows if first else ():
        _record(run, row)

    loss.to(fabric.device)
    validate_after = plan.validate_after
    progress = Progress(run.label, "steps", plan.steps, start=start)
    saved = since = time.monotonic()
    unsaved = False
    checks = CheckSchedule(fabric, CHECK_SECONDS, start, since)
    waiting = Stopwatch(fabric.device)
    network.train()

    def step_once(*batch: Tensor) -> Tensor:
        *inputs, target = batch
        for optimizer in wrapped:
            optimizer.zero_grad(set_to_none=True)
        restored = model(*inputs)
        with fabric.autocast():
            value = loss(restored, target)
        fabric.backward(value)
        for optimizer in wrapped:
            optimizer.step()
        return value.detach()

    # not with several processes: the capture of NCCL's collectives and DDP's buckets has further conditions
    take_step = GraphedStep(step_once) if cuda and fabric.world_size == 1 else step_once
    for step in range(start, plan.steps):
        rate = plan.learning_rate(step)
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = group["lr"].fill_(rate) if cuda else rate
        with waiting.running():
            batch = batches(step)
        loss_sum += take_step(*batch)

        done = step + 1
        now = time.monotonic()
        if done not in validate_after and not checks.due(done, now):
            continue
        checks.done(done, now)
        loss_sum = fabric.all_reduce(loss_sum, reduce_op="mean")  # equal shares: the mean over whole batches
        loss_mean = float(loss_sum) / (done - int(rows[-1]["step"] if rows else 0))
        if not (math.isfinite(loss_mean) and all(bool(p.isfinite().all()) for p in parameters)):
            raise UserError(
                f"{run.label}: the loss stopped being finite before step {done}: lower its lr ({plan.lr}) in "
                f"params.yaml; the last good state is kept in {run.state_file}"
            )
        if first:
            progress(done, f"loss {loss_mean:.4f}")
        if done in validate_after:
            score = on_rank_zero(fabric, lambda: validate(network))
            row = {"step": done, "loss": loss_mean, "val_score": score, "lr": rate}
            speed = (done - (int(rows[-1]["step"]) if rows else start)) * plan.batch_size / (now - since)
            waited = waiting.take() / (now - since)
            rows.append(row)
            if first:
                print(f"{run.label}: step {done}, validation {score:.2f} dB", flush=True)
                run.record({"speed/images_per_s": speed, "speed/waiting_share": waited}, done)
                _record(run, row)
            since = time.monotonic()
            loss_sum.zero_()
        if first and now - saved >= SAVE_SECONDS:
            saved = now
            try:
                _save_state(run.state_file, network, optimizers, done, rows, loss_sum)
            except UserError as error:
                if not unsaved:
                    print(f"{run.label}: {error}. It goes on; a kill now would cost more", file=sys.stderr, flush=True)
                unsaved = True
    if first:
        run.state_file.unlink(missing_ok=True)
    return rows


def _record(run: Run, row: CurveRow) -> None:
    run.record({key: value for key, value in row.items() if key != "step"}, int(row["step"]))


def _optimizers(parameters: list[nn.Parameter], plan: Plan, lr: float | Tensor) -> list[torch.optim.Optimizer]:
    banks = [p for p in parameters if Muon.takes(p)] if plan.optimizer == "muon" else []
    chosen = {id(bank) for bank in banks}
    others = [p for p in parameters if id(p) not in chosen]
    adam = torch.optim.Adam(others, lr=lr, betas=(0.9, 0.99), fused=True, capturable=isinstance(lr, Tensor))
    return [adam, Muon(banks, lr)] if banks else [adam]


def _save_state(
    path: Path,
    network: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    step: int,
    rows: list[CurveRow],
    loss_sum: Tensor,
) -> None:
    tensors = {"loss_sum": loss_sum} | {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, optimizer in enumerate(optimizers):
        for i, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer{number}.{i}.{name}": value for name, value in state.items()}
    write_tensors(path, tensors, {"step": step, "rows": rows})


def _load_state(
    saved: tuple[dict[str, Tensor], dict[str, Any]] | None,
    network: nn.Module,
    optimizers: list[torch.optim.Optimizer],
) -> tuple[int, list[CurveRow], Tensor]:
    if saved is None:
        return 0, [], torch.zeros(())
    tensors, header = saved
    network.load_state_dict({n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")})
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"optimizer{number}."):
                _, i, key = name.split(".")
                parameter = optimizer.param_groups[0]["params"][int(i)]
                # the fused optimiser reads both as flat memory without a check, so their memory layouts must be equal
                same = value.shape == parameter.shape
                state.setdefault(int(i), {})[key] = torch.empty_like(parameter).copy_(value) if same else value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return header["step"], header["rows"], tensors["loss_sum"]
