"""Whether a clone would make a version again, in real Git repositories."""

import subprocess
from datetime import UTC, datetime

import pytest
import yaml

from registry import repository
from registry.lineage import lineage_checks, verdict
from registry.versions import Version

STAGES = {
    "prepare": {"cmd": "p", "outs": [{"path": "data/photographs", "md5": "abc.dir"}]},
    "train_base": {"cmd": "t", "params": {"params.yaml": {"seed": 0}}},
}


def git(*arguments):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], check=True, capture_output=True)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository with one commit and a dvc.lock, and the version that was registered in it."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    (tmp_path / "code.py").write_text("a = 1\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    write_lock(STAGES)
    tags = {"ftn.commit": repository.commit(), "ftn.dvc_lock": repository.lock_hash(STAGES), "ftn.data": "abc.dir"}
    return Version("1", [], datetime.now(UTC), "run", "models:/m-0", tags, "")


def write_lock(stages):
    repository.DVC_LOCK.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def states(version):
    found = lineage_checks("m", version)
    return (
        {check.what: check.state for check in found},
        verdict(found)[0],
        {check.what: check.remark for check in found},
    )


def test_the_clone_that_made_it_makes_it_again_also_after_registering_came_into_the_lock(here):
    write_lock(dict(reversed(STAGES.items())) | {"register": {"cmd": "r"}})
    found, state, _ = states(here)
    assert set(found.values()) == {"ok"} and state == "ok"


def test_what_differs_is_named(here, tmp_path):
    write_lock(STAGES | {"train_base": {"cmd": "t", "params": {"params.yaml": {"seed": 1}}}})
    found, state, _ = states(here)
    assert found == {"commit": "ok", "working tree": "ok", "dvc.lock": "differs", "photographs": "ok"}
    assert state == "differs"
    (tmp_path / "code.py").write_text("a = 2\n")
    assert states(here)[0]["working tree"] == "differs"
    git("commit", "-qam", "two")
    found, state, remarks = states(here)
    assert found["commit"] == "differs" and found["working tree"] == "ok"
    assert f"git checkout {here.tags['ftn.commit'][:12]}" in remarks["commit"]
    here.tags["ftn.commit"] = "0" * 40
    assert "fetch it" in states(here)[2]["commit"]


@pytest.mark.parametrize("missing", ["lock", "tags", "dirty"])
def test_what_nobody_can_know_is_unknown(here, missing):
    if missing == "lock":
        repository.DVC_LOCK.unlink()
    elif missing == "tags":
        here.tags.clear()
    else:
        here.tags["ftn.commit"] += "-dirty"
    assert states(here)[1] == "unknown"


def test_a_repository_that_git_refuses_is_unknown_and_not_clean(here, tmp_path, monkeypatch):
    """As one of another user: "dubious ownership"."""
    assert repository.refusal() == ""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    found = {check.what: check for check in lineage_checks("m", here)}
    assert "dubious ownership" in found["commit"].remark and "safe.directory" in found["commit"].remark
    assert (found["working tree"].here, found["working tree"].state) == ("unknown", "unknown")
    here.tags["ftn.commit"] = repository.commit()
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    found = {check.what: check for check in lineage_checks("m", here)}
    assert (found["working tree"].recorded, found["working tree"].state) == ("unknown", "unknown")


def test_outside_of_any_repository_nothing_is_claimed(here, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    found, state, _ = states(here)
    assert set(found.values()) == {"unknown"} and state == "unknown"
