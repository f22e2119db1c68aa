"""Stage ``register``: the denoiser as a version in the MLflow model registry, and champion if it passes the gate."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from serving.registry.clone import LOCK, commit, data_hash, lock_hash, locked_stages
from serving.registry.server import needed
from tasks import workspace
from tasks.identity import from_lock
from tasks.package import CODE, package
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.gate import Verdict
    from ftn_core.parameters import Parameters
    from serving.registry.promotions import Promotion
    from tasks.judgement import Judgement
    from tasks.tracking import Tracker

CHALLENGER = "challenger"
"""Alias of the version that was registered last."""


def register(params: "Parameters", tracker: "Tracker") -> None:
    """Register the denoiser, once for the same weights and code, judge it, and make it champion if it passes the gate.

    A version that has been champion before does not become so again by itself: somebody has rolled it back.
    """
    from tasks.judgement import Judgement

    method = params.levels.methods[0]
    with needed():
        _ = tracker.client  # if it does not answer, say so at once
        judgement = Judgement(params.gate, params.data.levels, params.threads, method)
        _register(params.register_.model, method, judgement, tracker)


def _register(name: str, method: str, judgement: "Judgement", tracker: "Tracker") -> None:
    from serving.registry import promotions, versions

    client = tracker.client
    denoiser = judgement.denoiser
    identity = _identity(judgement.weights)
    found = client.search_model_versions(f"name = '{name}' and tags.`ftn.identity` = '{identity}'")
    version = str(found[0].version if found else _log_model(name, identity, method, denoiser, tracker))
    versions.set_alias(client, name, CHALLENGER, version)

    seen = promotions.history(client, name)
    champion = promotions.champion(client, name)
    verdict = judgement.verdict(name, version, champion)
    _note(name, version, method, denoiser, verdict, tracker)
    if (
        verdict.passed
        and champion != version
        and (verdict.champion is None or version not in {r.version for r in seen})
    ):
        again = _promote(name, version, verdict, seen, judgement, tracker)
        if again is not verdict:
            verdict = again
            _note(name, version, method, denoiser, verdict, tracker)
        champion = promotions.champion(client, name)
    outcome = _outcome(version, champion)
    print(f"{tracker.stage}: models:/{name}/{version} {verdict.word} the gate; {outcome}", flush=True)
    for line in [*verdict.failures(), *([verdict.note] if verdict.note else [])]:
        print(f"{tracker.stage}: {line}", flush=True)
    if verdict.passed and champion != version:
        print(f"{tracker.stage}: it has been champion before: `ftn models promote {version}` makes it so again")
    registered = {"model": name, "version": version, "run": tracker.run_id, "champion": champion}
    workspace.REGISTERED.write_text(json.dumps(registered) + "\n")


def _promote(
    name: str, version: str, verdict: "Verdict", seen: "list[Promotion]", judgement: "Judgement", tracker: "Tracker"
) -> "Verdict":
    """Make the version champion; returns the verdict that counts.

    If another one became champion since it was judged, which the order of the records tells, it is judged anew beside
    that one, and gives way to it if it does not pass.
    """
    from serving.registry import promotions

    client = tracker.client
    why = f"passed the gate beside version {verdict.champion}" if verdict.champion else f"passed: {verdict.note}"
    mine = promotions.promote(client, name, version, "gate", why)
    records = promotions.history(client, name)
    earlier = records[: [record.id for record in records].index(mine.id)]
    known = {record.id for record in seen}
    if not (between := [r for r in earlier if r.id not in known and r.how != "outside"]):
        return verdict
    other = between[-1].version
    again = judgement.verdict(name, version, other)
    if not again.passed and promotions.champion(client, name) == version:
        why = f"version {version}, promoted at the same moment, does not pass the gate beside it"
        promotions.promote(client, name, other, "rollback", why)
    return again


def _outcome(version: str, champion: str | None) -> str:
    if champion == version:
        return "it is champion"
    return f"champion stays version {champion}" if champion else "there is no champion"


def _identity(weights: Path) -> str:
    """SHA-256 of the weights and of the code that travels with them: the same model is not registered twice."""
    files = [weights, *(file for path in map(Path, CODE) for file in sorted([path, *path.rglob("*.py")]))]
    digest = hashlib.sha256()
    for file in filter(Path.is_file, files):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _log_model(name: str, identity: str, method: str, denoiser: "ContinuousDenoiser", tracker: "Tracker") -> str:
    """Log the pyfunc model to the stage's run and register it; returns the version."""
    import mlflow

    weights = workspace.denoiser(method)
    with mlflow.start_run(run_id=tracker.run_id):
        model = package(weights)
    if LOCK.exists():  # it is not committed everywhere: with the commit it says all that it takes
        tracker.client.log_model_artifact(model.model_id, str(LOCK))
    tags = {
        "ftn.identity": identity,
        "ftn.method": method,
        "ftn.unit": denoiser.task.unit.name,
        "ftn.ends": json.dumps(denoiser.task.unit.ends or []),
        "ftn.levels": json.dumps(denoiser.trained),
        "ftn.psnr": json.dumps(_psnr(method)),
        "ftn.parameters": str(_parameters(method)),
        "ftn.bytes": str(weights.stat().st_size),
        **_lineage(tracker),
    }
    return mlflow.register_model(model.model_uri, name, tags=tags).version


def _note(
    name: str, version: str, method: str, denoiser: "ContinuousDenoiser", verdict: "Verdict", tracker: "Tracker"
) -> None:
    """The verdict and the card: files of this stage, artifacts of its run, and what the registry shows."""
    from ftn_core.gate import MEANING
    from serving.registry.card import Facts, card, description

    facts = Facts(
        model=name,
        version=version,
        method=method,
        denoiser=denoiser,
        parameters=_parameters(method),
        megabytes=workspace.denoiser(method).stat().st_size / 1e6,
        commit=tracker.client.get_model_version(name, version).tags["ftn.commit"],
        manifest=json.loads(workspace.MANIFEST.read_text()),
        table=workspace.TABLE.read_text(),
        psnr={float(level): value for level, value in _psnr(method).items()},
    )
    verdict.write(workspace.VERDICT_DATA)
    workspace.VERDICT.write_text(verdict.markdown())
    workspace.CARD.write_text(card(facts, verdict))
    for path in (workspace.VERDICT_DATA, workspace.VERDICT, workspace.CARD):
        tracker.artifact(path)
    for row, by_level in json.loads(workspace.METRICS.read_text())["psnr"].items():
        for level, psnr in by_level.items():
            tracker.metrics({f"psnr/{row}": psnr}, step=round(1000 * float(level)))
    client = tracker.client
    client.update_model_version(name, version, description(facts, verdict))
    tag = partial(client.set_model_version_tag, name, version)
    said: dict[str, str] = {
        rule.name: f"{'passed' if rule.passed else 'failed'}: {rule.words(verdict.unit)}" for rule in verdict.rules
    }
    for rule in MEANING:
        tag(f"ftn.gate.{rule}", said.get(rule, f"not compared: {verdict.note}"))
    tag("ftn.gate.run", tracker.run_id)
    tag("ftn.gate", verdict.word)


def _psnr(method: str) -> dict[str, float]:
    return json.loads(workspace.METRICS.read_text())["psnr"][method]


def _parameters(method: str) -> int:
    from ftn_core.results import Costs

    return Costs.read(workspace.COSTS).of[method].parameters


def _lineage(tracker: "Tracker") -> dict[str, str]:
    """What it takes to make this version again: commit, ``dvc.lock``, data, and the run of every stage."""
    tags = {"ftn.commit": commit(), "ftn.run.register": tracker.run_id}
    if not LOCK.exists():
        return tags
    stages = locked_stages(LOCK.read_text())
    tags["ftn.dvc_lock"] = lock_hash(stages)
    if data := data_hash(stages):
        tags["ftn.data"] = data
    for name, entry in stages.items():
        if run := tracker.find_run(from_lock(name, entry)):
            tags[f"ftn.run.{name.replace('@', ':')}"] = run  # MLflow allows no @ in a key
    return tags


if __name__ == "__main__":
    main(register)
