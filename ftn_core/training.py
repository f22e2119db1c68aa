"""The training loop, for a base network and for a transition alike."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ftn_core.checkpoint import read_tensors, write_tensors
from ftn_core.cuda_graph import GraphedStep
from ftn_core.data.batches import Batches
from ftn_core.data.pairs import evenly
from ftn_core.data.store import Store
from ftn_core.errors import UserError
from ftn_core.images import restore, to_image
from ftn_core.looks import Looks
from ftn_core.objectives.objective import Objective
from ftn_core.parameters import Optimisation, Schedule, Train
from ftn_core.processes import by_first
from ftn_core.progress import Progress
from ftn_core.stopwatch import Stopwatch

Row = dict[str, float]
"""One line of the training curve: step, loss (mean since the line before), val_score (the objective's decibels), lr."""

SAVE_SECONDS = 10.0
LOOK_SECONDS = 1.0
"""Time between two looks at the loss: each look waits for the device."""


def learning_rate(step: int, options: Optimisation, schedule: Schedule) -> float:
    """The rate of a step, counted from 0: a linear warm-up, then the schedule."""
    warmup = min(1.0, (step + 1) / (schedule.warmup_steps + 1))
    done = step / options.steps
    if schedule.name == "cosine":
        return options.lr * warmup * (1 + math.cos(math.pi * done)) / 2
    return options.lr * warmup * 0.1 ** sum(done >= milestone for milestone in schedule.milestones)


def validation_score(
    network: nn.Module, objective: Objective, clean: Store, degraded: Store, limit: int, device: torch.device
) -> float:
    """The objective's decibels, the mean over at most ``limit`` validation images, evenly chosen."""
    network.eval()
    with torch.inference_mode():
        scores = [
            float(objective.decibels(restore(network, to_image(degraded[i], device)), to_image(clean[i], device)))
            for i in evenly(len(clean), limit)
        ]
    network.train()
    return sum(scores) / len(scores)


def fit(
    network: nn.Module,
    objective: Objective,
    batches: Batches,
    validate: Callable[[nn.Module], float],
    *,
    fabric: Fabric,
    options: Optimisation,
    train: Train,
    state_file: Path,
    label: str,
    on_row: Callable[[Row], None] = lambda row: None,
    on_speed: Callable[[dict[str, float], int], None] = lambda speed, step: None,
) -> list[Row]:
    """Train the network's trainable parameters in place for an objective and return the curve.

    Killed at any moment and called again with the same arguments, it goes on from ``state_file``, which it writes
    every few seconds and removes at the end. On the CPU the result equals the uninterrupted one bit for bit.

    ``on_speed`` hears, with each row, images per second and the share of the time in which the device waited for
    batches since the row before.

    On a GPU a step is captured once as a CUDA graph, and nothing waits for the GPU but a look at the loss now and then.

    Of several processes each calls this with its share of every batch. All return the same curve; the first alone
    validates, calls back, prints, and reads and writes ``state_file``, from which any number of processes goes on.

    Raises:
        UserError: the loss or a weight stopped being finite; the last good state is kept.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    cuda = fabric.device.type == "cuda"
    # a graph reads the rate of each step from a tensor
    lr = torch.tensor(options.lr, device=fabric.device) if cuda else options.lr
    optimizer = torch.optim.Adam(parameters, lr=lr, betas=(0.9, 0.99), fused=True, capturable=cuda)
    # the layout in which convolutions are fastest, on CPUs and GPUs alike
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model, wrapped = fabric.setup(network, optimizer)
    state = by_first(fabric, lambda: read_tensors(state_file) if state_file.exists() else None)
    start, rows, loss_sum = _load_state(state, network, optimizer)
    loss_sum = loss_sum.to(fabric.device)
    first = fabric.is_global_zero
    if first and start:
        print(f"{label}: goes on from step {start}", flush=True)
    for row in rows if first else ():
        on_row(row)

    objective.to(fabric.device)
    validate_at = {math.ceil(options.steps * (i + 1) / train.validations) for i in range(train.validations)}
    progress = Progress(label, "steps", options.steps, start=start)
    saved = since = time.monotonic()
    looks = Looks(fabric, LOOK_SECONDS, start, since)
    waiting = Stopwatch(fabric.device)
    network.train()

    def step_once(*batch: Tensor) -> Tensor:
        *inputs, clean = batch
        wrapped.zero_grad(set_to_none=True)
        restored = model(*inputs)
        with fabric.autocast():
            loss = objective(restored, clean)
        fabric.backward(loss)
        wrapped.step()
        return loss.detach()

    # not with several: NCCL's collectives and DDP's buckets have conditions of their own for being captured
    take_step = GraphedStep(step_once) if cuda and fabric.world_size == 1 else step_once
    for step in range(start, options.steps):
        rate = learning_rate(step, options, train.schedule)
        for group in optimizer.param_groups:
            group["lr"] = group["lr"].fill_(rate) if cuda else rate
        with waiting.running():
            batch = batches(step)
        loss_sum += take_step(*batch)

        done = step + 1
        now = time.monotonic()
        if done not in validate_at and not looks.due(done, now):
            continue
        looks.taken(done, now)
        loss_sum = fabric.all_reduce(loss_sum, reduce_op="mean")  # shares are equal: the mean over the whole batches
        loss_mean = float(loss_sum) / (done - int(rows[-1]["step"] if rows else 0))
        if not (math.isfinite(loss_mean) and all(bool(p.isfinite().all()) for p in parameters)):
            raise UserError(
                f"{label}: the loss stopped being finite before step {done}: lower its lr ({options.lr}) in "
                f"params.yaml; the last good state is kept in {state_file}"
            )
        if first:
            progress(done, f"loss {loss_mean:.4f}")
        if done in validate_at:
            score = by_first(fabric, lambda: validate(network))
            row = {"step": done, "loss": loss_mean, "val_score": score, "lr": rate}
            speed = (done - (int(rows[-1]["step"]) if rows else start)) * options.batch_size / (now - since)
            waited = waiting.take() / (now - since)
            rows.append(row)
            if first:
                print(f"{label}: step {done}, validation {score:.2f} dB", flush=True)
                on_speed({"images_per_s": speed, "waiting_share": waited}, done)
                on_row(row)
            since = time.monotonic()
            loss_sum.zero_()
        if first and now - saved >= SAVE_SECONDS:
            _save_state(state_file, network, optimizer, done, rows, loss_sum)
            saved = now
    if first:
        state_file.unlink(missing_ok=True)
    return rows


def _save_state(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, step: int, rows: list[Row], loss_sum: Tensor
) -> None:
    tensors = {"loss_sum": loss_sum} | {f"network.{name}": value for name, value in network.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{name}": value for name, value in state.items()}
    write_tensors(path, tensors, {"step": step, "rows": rows})


def _load_state(
    saved: tuple[dict[str, Tensor], dict[str, Any]] | None, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, list[Row], Tensor]:
    if saved is None:
        return 0, [], torch.zeros(())
    tensors, header = saved
    network.load_state_dict({n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, i, key = name.split(".")
            parameter = optimizer.param_groups[0]["params"][int(i)]
            # in the parameter's own memory layout: the fused optimiser walks both as flat memory, unchecked
            same = value.shape == parameter.shape
            state.setdefault(int(i), {})[key] = torch.empty_like(parameter).copy_(value) if same else value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return header["step"], header["rows"], tensors["loss_sum"]
