"""Stage ``register``: the denoiser as a version in the MLflow model registry, and champion if it passes the gate."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.gate import MEANING, Verdict
from ftn_core.evaluation.gate_check import GateCheck, GateImages, KnownCosts
from ftn_core.evaluation.records.costs import Cost, Costs
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.losses.load import load_loss
from ftn_core.parameters import Parameters
from ftn_core.runtime.device import set_up_torch
from ftn_core.utils.errors import UserError
from ftn_core.utils.levels import line_name
from ftn_core.words.card import CardContent, card, description
from registry import packaging, promotions, versions
from registry.download import download_weights
from registry.lineage import RUNS
from registry.promotions import Promotion
from registry.repository import DVC_LOCK, REGISTER_STAGE, commit, data_hash, lock_hash, locked_stages, refusal
from registry.server import UnreachableError, require_server, root_cause
from tasks import paths
from tasks.identity import from_lock
from tasks.tracking.mlflow_tracker import MlflowTracker
from tasks.tracking.tracker import Tracker

IN_EXPERIMENT = "DVC_EXP_BASELINE_REV"
"""Environment variable that DVC sets for the stages of ``dvc exp run``."""
CHALLENGER = "challenger"
"""Alias of the version that was registered last."""


def register(params: Parameters, tracker: Tracker) -> None:
    """Register the denoiser, check it, and make it champion if it passes the gate.

    The same weights with the same code stay one version. A version that was champion before does not become champion
    again by itself, because somebody has rolled it back. In an experiment of DVC the denoiser is checked only.

    Raises:
        UserError: tracking is off, or MLflow does not answer.
    """
    if not isinstance(tracker, MlflowTracker):
        raise UserError("a model is registered in MLflow, and FTN_TRACKING is off: unset it")
    first = [*params.levels.methods, *map(line_name, params.levels.lines)][0]
    method = params.register_.row or first
    with require_server():
        _ = tracker.client  # raises at once if MLflow does not answer
        model = _Model(params.register_.model, method, ContinuousDenoiser.load(paths.denoiser(method)))
        packaging.delete_unregistered(tracker.client, tracker.run_id)
        version = None if IN_EXPERIMENT in os.environ else model.registered(tracker)
        if version:
            versions.set_alias(tracker.client, model.name, CHALLENGER, version)
        device = set_up_torch(params.threads)
        check = GateCheck(
            params.gate,
            model.denoiser,
            KnownCosts(
                evenness=Evaluation.read(paths.method_result(method)).smoothness.evenness,
                megabytes=model.megabytes,
                time=model.cost.time,
            ),
            GateImages(
                Store(paths.PHOTOGRAPHS / "test"),
                {level: Store(paths.degraded_set(level) / "test") for level in params.data.levels},
                (load_loss(paths.BASE_LOSS), load_loss(paths.ADAPTED_LOSS)),
            ),
            device,
            load_champion=partial(load_champion, model.name, beside=version),
        )
        if version:
            _pass_gate(model, version, check.verdict, tracker)
        else:
            _only_check(model, check.verdict, tracker)


@dataclass(frozen=True)
class _Model:
    """What is registered: the name in the registry, the row of ``params.yaml``, and its denoiser."""

    name: str
    method: str
    denoiser: ContinuousDenoiser

    @property
    def megabytes(self) -> float:
        return paths.denoiser(self.method).stat().st_size / 1e6

    @property
    def cost(self) -> Cost:
        return Costs.read(paths.COSTS).of[self.method]

    @property
    def psnr(self) -> dict[str, float]:
        return json.loads(paths.METRICS.read_text())["psnr"][self.method]

    def registered(self, tracker: MlflowTracker) -> str:
        """The version that holds the denoiser: the existing one, or a new one."""
        weights = paths.denoiser(self.method)
        code = packaging.code_of(self.denoiser.spec["name"], [level.method for level in self.denoiser.levels])
        identity = packaging.identity(weights, code)
        found = tracker.client.search_model_versions(f"name = '{self.name}' and tags.`ftn.identity` = '{identity}'")
        if readable := next((str(old.version) for old in found if _is_readable(self.name, str(old.version))), None):
            return readable
        quantity = self.denoiser.task.quantity
        with mlflow.start_run(run_id=tracker.run_id):
            logged = packaging.package(weights, code, quantity.name, float(self.denoiser.base_level))
        lineage, runs = _lineage(tracker)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, RUNS)
            file.write_text(json.dumps(runs, indent=2) + "\n")
            # not every project commits dvc.lock, and without it the commit does not identify the data
            for kept in filter(Path.exists, (file, DVC_LOCK)):
                tracker.client.log_model_artifact(logged.model_id, str(kept))
        tags = {
            "ftn.identity": identity,
            "ftn.method": self.method,
            "ftn.quantity": quantity.name,
            **({"ftn.ends": json.dumps(quantity.ends)} if quantity.ends else {}),
            "ftn.levels": json.dumps(self.denoiser.trained),
            "ftn.psnr": json.dumps(self.psnr),
            "ftn.parameters": str(self.cost.parameters),
            "ftn.bytes": str(weights.stat().st_size),
            **lineage,
        }
        return str(mlflow.register_model(logged.model_uri, self.name, tags=tags).version)


def _is_readable(model: str, version: str) -> bool:
    """Whether the files of a registered version are still there. Otherwise the same model is registered anew."""
    try:
        ContinuousDenoiser.load(download_weights(f"models:/{model}/{version}"))
    except UnreachableError:
        raise
    except UserError:
        return False
    return True


def load_champion(model: str, version: str, beside: str | None) -> ContinuousDenoiser | str:
    """A registered version, or the reason why it cannot be loaded, as a string.

    Args:
        beside: a version that was stored a moment ago, if there is one. If it cannot be read either, then the store is
            broken and not the champion.

    Raises:
        Exception: what reading ``beside`` raises.
    """
    try:
        return ContinuousDenoiser.load(download_weights(f"models:/{model}/{version}"))
    except Exception as error:  # of any kind: a champion that nobody can load must not keep better ones back
        if beside:
            ContinuousDenoiser.load(download_weights(f"models:/{model}/{beside}"))
        return root_cause(error)


def _only_check(model: _Model, check: Callable[[str, str | None], Verdict], tracker: MlflowTracker) -> None:
    """Write the verdict beside the champion, and register nothing."""
    try:
        champion = promotions.current_champion(tracker.client, model.name)
    except UnreachableError:
        raise
    except UserError:  # nothing was registered yet
        champion = None
    verdict = check("of this experiment", champion)
    _write(_content(model, verdict.version, commit()), verdict, tracker)
    print(f"{tracker.stage}: it {verdict.word} the gate, and is not registered: `make register` does that", flush=True)
    _leave_record(model, None, champion, tracker)


def _pass_gate(
    model: _Model, version: str, check: Callable[[str, str | None], Verdict], tracker: MlflowTracker
) -> None:
    client, name = tracker.client, model.name
    seen = promotions.history(client, name)
    champion = promotions.current_champion(client, name)
    verdict = check(version, champion)
    _note(model, version, verdict, tracker)
    new = verdict.champion is None or version not in {record.version for record in seen}
    if verdict.passed and champion != version and new:
        again = _promote(client, name, version, verdict, seen, check)
        if again is not verdict:
            verdict = again
            _note(model, version, verdict, tracker)
        champion = promotions.current_champion(client, name)
    outcome = _outcome(version, champion)
    print(f"{tracker.stage}: models:/{name}/{version} {verdict.word} the gate; {outcome}", flush=True)
    for line in [*verdict.failures(), *([verdict.note] if verdict.note else [])]:
        print(f"{tracker.stage}: {line}", flush=True)
    if verdict.passed and champion != version:
        print(f"{tracker.stage}: it has been champion before: `ftn models promote {version}` makes it so again")
    _leave_record(model, version, champion, tracker)


def _leave_record(model: _Model, version: str | None, champion: str | None, tracker: MlflowTracker) -> None:
    registered = {"model": model.name, "version": version, "run": tracker.run_id, "champion": champion}
    paths.REGISTERED.write_text(json.dumps(registered) + "\n")


def _promote(
    client: MlflowClient,
    name: str,
    version: str,
    verdict: Verdict,
    seen: list[Promotion],
    check: Callable[[str, str | None], Verdict],
) -> Verdict:
    """Make the version champion. Returns the verdict that counts.

    The order of the records shows whether another version became champion after this one was checked. Then this one is
    checked again beside that one, and if it does not pass, that one becomes champion again.
    """
    why = f"passed the gate beside version {verdict.champion}" if verdict.champion else f"passed: {verdict.note}"
    mine = promotions.promote(client, name, version, "gate", why)
    records = promotions.history(client, name)
    earlier = records[: [record.id for record in records].index(mine.id)]
    known = {record.id for record in seen}
    if not (between := [r for r in earlier if r.id not in known]):
        return verdict
    other = between[-1].version
    again = check(version, other)
    if not again.passed and promotions.current_champion(client, name) == version:
        why = f"version {version}, promoted at the same moment, does not pass the gate beside it"
        promotions.promote(client, name, other, "rollback", why)
    return again


def _outcome(version: str, champion: str | None) -> str:
    if champion == version:
        return "it is champion"
    return f"champion stays version {champion}" if champion else "there is no champion"


def _content(model: _Model, version: str, made_at: str, machine: str | None = None) -> CardContent:
    return CardContent(
        model=model.name,
        version=version,
        method=model.method,
        denoiser=model.denoiser,
        parameters=model.cost.parameters,
        megabytes=model.megabytes,
        commit=made_at,
        machine=machine,
        manifest=json.loads(paths.MANIFEST.read_text()),
        table=paths.TABLE.read_text(),
        psnr={float(level): value for level, value in model.psnr.items()},
        line=Evaluation.read(paths.method_result(model.method)).own_base,
    )


def _write(content: CardContent, verdict: Verdict, tracker: MlflowTracker) -> None:
    """Write the verdict and the card: as files of this stage, and as artifacts of its run."""
    verdict.write(paths.VERDICT_DATA)
    paths.VERDICT.write_text(verdict.markdown())
    paths.CARD.write_text(card(content, verdict))
    for path in (paths.VERDICT_DATA, paths.VERDICT, paths.CARD):
        tracker.artifact(path)
    for row, by_level in json.loads(paths.METRICS.read_text())["psnr"].items():
        for level, psnr in by_level.items():
            tracker.at_level(float(level), {f"psnr/{row}": psnr})


def _note(model: _Model, version: str, verdict: Verdict, tracker: MlflowTracker) -> None:
    """Write the verdict and the card: as files of this stage, as artifacts of its run, and in the registry."""
    client, name = tracker.client, model.name
    made = client.get_model_version(name, version).tags
    content = _content(model, version, made["ftn.commit"], made.get("ftn.machine"))
    _write(content, verdict, tracker)
    client.update_model_version(name, version, description(content, verdict))
    tag = partial(client.set_model_version_tag, name, version)
    outcomes: dict[str, str] = {
        rule.name: f"{'passed' if rule.passed else 'failed'}: {rule.words(verdict.quantity)}" for rule in verdict.rules
    }
    for rule in MEANING:
        tag(f"ftn.gate.{rule}", outcomes.get(rule, f"not compared: {verdict.note}"))
    tag("ftn.gate", verdict.word)


def _lineage(tracker: MlflowTracker) -> tuple[dict[str, str], dict[str, str]]:
    """What makes this version reproducible: tags for commit, ``dvc.lock`` and data, and the run of every stage."""
    tags, runs = {"ftn.commit": commit()}, {REGISTER_STAGE: tracker.run_id}
    if said := refusal():
        print(f"{tracker.stage}: the version is registered without its commit, which Git does not tell: {said}")
    if not DVC_LOCK.exists():
        return tags, runs
    stages = locked_stages(DVC_LOCK.read_text())
    tags["ftn.dvc_lock"] = lock_hash(stages)
    if data := data_hash(stages):
        tags["ftn.data"] = data
    found = {name: run for name, entry in stages.items() if (run := tracker.find_run(from_lock(name, entry)))}
    # benchmarks/gpu/taking.py tags the runs of what was trained on another machine
    trained = [run.data.tags for name, run in found.items() if name.startswith(("train_", "finetune"))]
    if machines := dict.fromkeys(run_tags["ftn.machine"] for run_tags in trained if "ftn.machine" in run_tags):
        tags["ftn.machine"] = "; ".join(machines)
    return tags, runs | {name: run.info.run_id for name, run in found.items()}
