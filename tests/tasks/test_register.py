"""Models at the gate: registered, compared with the champion, promoted or refused, rolled back; with a real store."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
import yaml
from mlflow.exceptions import MlflowException
from own_mlflow import own_mlflow
from sandbox import Sandbox
from small_denoiser import DEJPEG, PLEASING, small_denoiser
from small_registry import leave_results, train_denoiser

from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.gate import Verdict
from ftn_core.parameters import load_parameters
from ftn_core.sources.pack import pack_photographs
from ftn_core.sources.pack_loss import pack_loss
from ftn_core.utils.errors import UserError
from registry import promotions, versions
from serving.models import command as models
from tasks import paths

MODEL = "ftn-denoiser"
BOUNDS = {
    "gate.min_gain": 1.0,
    "gate.max_harm": 100.0,
    "gate.tolerance": 0.1,
    "gate.max_time": 100.0,
}  # a busy machine's times decide nothing


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A clone with photographs and degraded sets, in which tests train denoisers and register them."""
    with pytest.MonkeyPatch.context() as patch, own_mlflow():
        sandbox = Sandbox(tmp_path_factory.mktemp("r") / "project", **BOUNDS)
        patch.chdir(sandbox.root)
        patch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
        params = load_parameters()
        options = params.data.model_dump(exclude={"levels", "folder", "seed"})
        folder = Path(params.data.folder)
        pack_photographs(paths.PHOTOGRAPHS, folder=folder, downloads=paths.DOWNLOADS, **options)
        for sigma in params.data.levels:
            write_degraded_set(
                paths.PHOTOGRAPHS,
                paths.degraded_set(sigma),
                Degradation.of(DENOISING.degradation),
                sigma,
                seed=0,
                train=False,
            )
        for path in (paths.BASE_LOSS, paths.ADAPTED_LOSS):
            pack_loss(
                path, params.train.loss, weights=params.features.weights, features=paths.FEATURES, styles=paths.STYLES
            )
        yield Workshop(sandbox)


class Workshop:
    def __init__(self, sandbox):
        self.sandbox = sandbox

    def register(self, steps=None, **changes):
        """Register the denoiser that was trained last, or train one first. Returns what the stage writes."""
        from tasks.register import register
        from tasks.tracking.mlflow_tracker import track

        params = load_parameters()
        if steps is not None:
            leave_results(train_denoiser(paths.denoiser("ftn"), steps, **changes), params.data.levels)
        with track("register", params.quantity.step_of if params.quantity else round) as tracker:
            register(params, tracker)
        return json.loads(paths.REGISTERED.read_text())

    @property
    def client(self):
        return mlflow.MlflowClient(self.sandbox.tracking_uri)

    @contextmanager
    def params(self, *, gate, **changes):
        """Within the block: other bounds of the gate, and other sections of params.yaml."""
        path, text = Path("params.yaml"), Path("params.yaml").read_text()
        values = yaml.safe_load(text)
        values["gate"] |= gate
        for section, options in changes.items():
            values[section] = values[section] | options if isinstance(options, dict) else options
        path.write_text(yaml.safe_dump(values))
        yield
        path.write_text(text)

    def ftn(self, *arguments, **env):
        result = self.sandbox.python("-m", "serving.command", "models", *arguments, check=False, **env)
        return result.returncode, result.stdout


def verdict():
    return Verdict.read(paths.VERDICT_DATA)


def champion_is(weights):
    """Whether a program that loads the champion gets these weights."""
    images = np.random.default_rng(0).random((1, 24, 20, 3), np.float32)
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    denoiser = ContinuousDenoiser.load(weights)
    with torch.inference_mode():
        expected = denoiser.fold(0.0)(torch.from_numpy(images).permute(0, 3, 1, 2)).clamp(0, 1).permute(0, 2, 3, 1)
    return np.allclose(model.predict(images), expected.numpy(), atol=1e-6)


def keep(name):
    """Copy the present denoiser."""
    return Path(shutil.copy(paths.denoiser("ftn"), name))


def test_registering_promoting_refusing_and_rolling_back(workshop, capsys):
    # the first: absolute rules alone
    registered = workshop.register(steps=40)
    first = keep("first.safetensors")
    assert (registered["version"], registered["champion"]) == ("1", "1")
    assert verdict().passed and verdict().champion is None and "no champion" in verdict().note
    assert champion_is(first)
    found = versions.find_version(workshop.client, MODEL, "champion")
    assert found.aliases == ["challenger", "champion"] and found.gate == "passed"
    assert found.tags["ftn.gate.gain"].startswith("passed: gain over the degraded input")
    assert found.tags["ftn.gate.champion"].startswith("not compared")
    assert "4 photographs" in paths.CARD.read_text() and "whoever owns the folder" in paths.CARD.read_text()
    assert (
        found.description.startswith("Restores colour photographs after white Gaussian")
        and len(found.description) <= 5000
    )
    client = workshop.client
    kept = {file.path for file in client.list_artifacts(registered["run"])}
    assert {"verdict.json", "verdict.md", "card.md"} <= kept

    # the same again: nothing new
    assert workshop.register() == registered
    assert len(promotions.history(client, MODEL)) == 1

    # better, on the same images
    registered = workshop.register(steps=250)
    second = keep("second.safetensors")
    assert (registered["version"], registered["champion"]) == ("2", "2")
    assert verdict().champion == "1" and verdict().passed
    beside = verdict().scores
    assert all(beside["version 2"][s] > beside["version 1, champion"][s] for s in (0.2, 0.3, 0.5))
    assert champion_is(second) and not champion_is(first)

    # worse: refused, with the reason
    capsys.readouterr()
    registered = workshop.register(steps=20)
    assert (registered["version"], registered["champion"]) == ("3", "2")
    (failed,) = [rule for rule in verdict().rules if not rule.passed and rule.name == "champion"]
    assert failed.value < -0.1 and failed.level in (0.2, 0.3, 0.5)
    printed = capsys.readouterr().out
    assert "champion stays version 2" in printed and "gain over the champion -" in printed
    assert champion_is(second)
    tags = versions.find_version(client, MODEL, "challenger").tags
    assert tags["ftn.gate"] == "failed" and tags["ftn.gate.champion"].startswith("failed: ")

    # after a rollback by a person the gate does not promote it again
    with pytest.raises(UserError, match=r"the gate says failed .* --force --why"):
        models.promote_command("3", MODEL)
    code, printed = workshop.ftn("rollback", "--why", "stripes in skies", MLFLOW_TRACKING_USERNAME="grace")
    assert (code, printed) == (0, "ftn-denoiser: version 1 is champion again, after version 2\n")
    assert champion_is(first)
    paths.denoiser("ftn").write_bytes(second.read_bytes())
    leave_results(ContinuousDenoiser.load(second), [0.2, 0.3, 0.5])
    capsys.readouterr()
    registered = workshop.register()
    assert (registered["version"], registered["champion"]) == ("2", "1") and verdict().passed
    assert "has been champion before" in capsys.readouterr().out
    moves = promotions.history(client, MODEL)
    assert [(r.version, r.how, r.who) for r in moves] == [
        ("1", "gate", "ada"), ("2", "gate", "ada"), ("1", "rollback", "grace"),
    ]  # fmt: skip
    assert moves[2].why == "stripes in skies"


def test_a_champion_that_no_longer_loads_is_reported_and_not_compared_with(workshop):
    for steps, levels, damage in ((30, (0.2, 0.3), lambda data: data[:1000]), (35, (0.2, 0.5), None)):
        champion = promotions.current_champion(workshop.client, MODEL)
        source = versions.find_version(workshop.client, MODEL, champion).source
        (file,) = Path(mlflow.artifacts.download_artifacts(source)).rglob("ftn.safetensors")
        file.write_bytes(damage(file.read_bytes())) if damage else file.unlink()
        registered = workshop.register(steps=steps, levels=levels)
        assert registered["champion"] == registered["version"] != champion
        assert verdict().champion is None
        assert verdict().note.startswith(f"The champion, version {champion}, no longer loads: ")
        assert verdict().note in paths.VERDICT.read_text()


def test_a_version_whose_files_are_gone_is_registered_anew(workshop):
    before = workshop.register()["version"]
    assert workshop.register()["version"] == before
    source = versions.find_version(workshop.client, MODEL, before).source
    shutil.rmtree(mlflow.artifacts.download_artifacts(source))
    registered = workshop.register()
    assert int(registered["version"]) > int(before) and registered["champion"] == registered["version"]
    assert champion_is(paths.denoiser("ftn"))


def test_an_experiment_is_checked_beside_the_champion_and_registers_nothing(workshop, monkeypatch, capsys):
    before = workshop.register()
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0" * 40)  # as DVC does
    found = workshop.register(steps=20)
    assert (found["version"], found["champion"]) == (None, before["champion"])
    assert not verdict().passed and verdict().champion == before["champion"]
    assert "not registered: `make register` does that" in capsys.readouterr().out
    with workshop.params(gate={}, register={"model": "another"}):
        assert workshop.register()["champion"] is None and "There was no champion" in verdict().note
    assert [model.name for model in workshop.client.search_registered_models()] == [MODEL]
    assert versions.all_versions(workshop.client, MODEL)[0].number == before["version"]


def test_a_model_is_checked_again_beside_one_that_became_champion_meanwhile(workshop, monkeypatch):
    from tasks import register

    note, best = register._note, "2"  # of the most steps

    def promote_other(*arguments):
        note(*arguments)
        if promotions.current_champion(workshop.client, MODEL) != best:
            promotions.promote(workshop.client, MODEL, best, "gate", "at the same moment")

    monkeypatch.setattr(register, "_note", promote_other)
    registered = workshop.register(steps=45)
    assert registered["champion"] == best
    assert verdict().version == registered["version"] and verdict().champion == best and not verdict().passed
    moves = [(r.version, r.how) for r in promotions.history(workshop.client, MODEL)]
    assert moves[-3:] == [(best, "gate"), (registered["version"], "gate"), (best, "rollback")]


def test_a_champion_of_other_levels_is_compared_at_all_sigmas_and_keeps_its_place_under_stricter_bounds(workshop):
    champion = workshop.register(steps=400, levels=(0.2, 0.3))["champion"]
    assert verdict().version == champion and verdict().champion and verdict().passed
    assert sorted(verdict().scores["degraded input"]) == [0.2, 0.3, 0.5]
    with workshop.params(gate={"min_gain": 90.0}):
        registered = workshop.register()
    assert registered["version"] == registered["champion"] == champion
    assert not verdict().passed and verdict().note == "It was champion already."


@pytest.mark.parametrize(
    ("task", "levels", "quantity", "words"),
    [
        (DEJPEG, [40, 30, 10], "quality", ["after JPEG compression; the strength is a dial, of quality (JPEG quality)",
                                           "trained at quality 40 and adapted by `ftn` to quality 10",
                                           "| quality | 40 | 30 | 10 |", 'params={"quality": 40}',
                                           "Beyond quality 10 it restores", "It knows JPEG by libjpeg's tables"]),
        (PLEASING, [0, 1], "objective", ["after JPEG compression at quality 10; the strength is a dial, of objective",
                                         "Objective: faithful at the base, pleasing at the adapted levels",
                                         "| objective | 0 (faithful) | 1 (pleasing) |", 'params={"objective": 0}']),
    ],
    ids=["quality", "objective"],
)  # fmt: skip
def test_a_model_of_another_quantity_does_not_replace_the_champion(workshop, task, levels, quantity, words):
    champion = promotions.current_champion(workshop.client, MODEL)
    own = {"base": levels[0], "adapted": [levels[-1]]}
    changes = {
        "gate": {"min_gain": -90.0, "min_evenness": 0.0},
        "degradation": task.degradation.steps,
        "levels": own,
    }
    with workshop.params(**changes, data={"levels": levels}):
        for level in levels:
            write_degraded_set(
                paths.PHOTOGRAPHS,
                paths.degraded_set(level),
                Degradation.of(task.degradation),
                level,
                seed=0,
                train=False,
            )
        small_denoiser(paths.denoiser("ftn"), task, (levels[0], levels[-1]))
        leave_results(ContinuousDenoiser.load(paths.denoiser("ftn")), levels)
        assert workshop.register()["champion"] == champion
        assert [rule.name for rule in verdict().rules if not rule.passed] == ["champion"]
        note = (
            f"The champion, version {champion}, goes by sigma (standard deviation of the noise for images from 0 to 1)"
        )
        assert verdict().note.startswith(f"{note} and this version by {quantity} (")
        assert "register.model" in verdict().note
    with workshop.params(**changes, data={"levels": levels}, register={"model": f"ftn-{quantity}"}):
        registered = workshop.register()
    assert registered["champion"] == registered["version"] == "1" and verdict().passed
    found = versions.find_version(workshop.client, f"ftn-{quantity}", "champion")
    assert found.tags["ftn.quantity"] == quantity and found.quantity == task.quantity and list(found.psnr) == levels
    for word in words:
        assert word in paths.CARD.read_text()


def test_a_champion_is_not_called_broken_if_the_store_is(workshop):
    from tasks.register import load_champion

    with pytest.raises((UserError, MlflowException)):
        load_champion("no-such-model", "1", beside="2")


def test_what_a_killed_registration_left_in_mlflow_is_deleted_by_the_next_one(workshop):
    client, run = workshop.client, workshop.register(steps=3)["run"]
    experiment = client.get_run(run).info.experiment_id

    def models_of_run():
        return {m.model_id for m in client.search_logged_models([experiment]) if m.source_run_id == run}

    registered = models_of_run()
    while_it_logged = client.create_logged_model(experiment, "denoiser", run)
    before_the_version = client.create_logged_model(experiment, "denoiser", run)
    client.finalize_logged_model(before_the_version.model_id, "READY")
    assert models_of_run() - registered == {while_it_logged.model_id, before_the_version.model_id}
    again = workshop.register()
    assert again["run"] == run and models_of_run() == registered != set()
    mlflow.pyfunc.load_model(f"models:/{MODEL}/{again['version']}")


def test_so_is_what_one_of_other_parameters_left_unfinished_but_not_what_one_is_logging_now(workshop):
    client, run = workshop.client, workshop.register(steps=3)["run"]
    experiment = client.get_run(run).info.experiment_id
    killed, running = (client.create_run(experiment, tags={"ftn.stage": "register"}).info.run_id for _ in range(2))
    left, logging = (client.create_logged_model(experiment, "denoiser", of).model_id for of in (killed, running))
    finished = client.finalize_logged_model(
        client.create_logged_model(experiment, "denoiser", killed).model_id, "READY"
    ).model_id
    client.set_terminated(killed, "KILLED")
    workshop.register()
    now = {model.model_id for model in client.search_logged_models([experiment])}
    assert left not in now and {logging, finished} <= now
    client.set_terminated(running, "KILLED")
