"""The history of promotions in a real store: no record is lost, and the alias ends at the last one."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from project import ROOT
from small_registry import add_versions

from ftn_core.utils.errors import UserError
from registry import promotions, versions

MODEL = "denoiser"


@pytest.fixture
def store(client):
    add_versions(client, MODEL, 6)
    return client


def alias(client):
    return str(client.get_registered_model(MODEL).aliases["champion"])


def moves(client):
    return [(record.version, record.how) for record in promotions.history(client, MODEL)]


def test_a_record_says_who_what_when_and_why(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    begun = time.time()
    promotions.promote(store, MODEL, "1", "gate", "the first")
    record = promotions.promote(store, MODEL, "3", "promote", "looks better")
    assert (record.version, record.before, record.who, record.why) == ("3", "1", "ada", "looks better")
    assert begun - 1 < record.at.timestamp() < time.time() + 1 and record.confirmed
    assert alias(store) == "3" == promotions.current_champion(store, MODEL)


def test_another_models_record_is_its_own(store):
    add_versions(store, "other", 2)
    promotions.promote(store, MODEL, "5", "gate", "")
    promotions.promote(store, "other", "2", "gate", "")
    assert [r.version for r in promotions.history(store, "other")] == ["2"]
    assert promotions.current_champion(store, MODEL) == "5"


def test_rollbacks_go_further_back_and_a_promotion_begins_anew(store):
    for version in ("1", "2", "3"):
        promotions.promote(store, MODEL, version, "gate", "")
    back = [promotions.rollback(store, MODEL, "bad")[0].version for _ in range(2)]
    assert back == ["2", "1"] and alias(store) == "1"
    with pytest.raises(UserError, match="no earlier champion"):
        promotions.rollback(store, MODEL, "bad")
    promotions.promote(store, MODEL, "4", "promote", "")
    assert promotions.rollback(store, MODEL, "bad")[0].version == "1"
    assert [how for _, how in moves(store)] == ["gate"] * 3 + ["rollback"] * 2 + ["promote", "rollback"]


def test_a_rollback_skips_deleted_versions(store):
    for version in ("1", "2", "3"):
        promotions.promote(store, MODEL, version, "gate", "")
    store.delete_model_version(MODEL, "2")
    record, skipped = promotions.rollback(store, MODEL, "bad")
    assert record.version == "1" == alias(store) and skipped == ["2"]
    store.delete_model_version(MODEL, "1")
    # MLflow deletes the alias, too, and it is not moved to another version
    assert promotions.current_champion(store, MODEL) is None


@pytest.mark.parametrize("dead", [False, True], ids=["just now", "long ago"])
def test_a_promotion_interrupted_before_the_alias_followed_is_completed(store, monkeypatch, dead):
    promotions.promote(store, MODEL, "1", "gate", "")

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(versions, "set_alias", killed)
        with pytest.raises(SystemExit):
            promotions.promote(store, MODEL, "2", "gate", "")
    assert alias(store) == "1" and moves(store)[-1] == ("2", "gate")
    if dead:
        monkeypatch.setattr(promotions, "WRITER_TIMEOUT", -1.0)
    assert promotions.current_champion(store, MODEL) == "2" == alias(store)
    assert promotions.history(store, MODEL)[-1].confirmed == dead


def test_an_alias_moved_from_outside_stays_and_is_recorded(store):
    promotions.promote(store, MODEL, "1", "gate", "")
    store.set_registered_model_alias(MODEL, "champion", "2")
    assert promotions.current_champion(store, MODEL) == "2"
    promotions.promote(store, MODEL, "3", "promote", "")
    assert moves(store) == [("1", "gate"), ("2", "outside"), ("3", "promote")]
    store.set_registered_model_alias(MODEL, "champion", "4")
    assert promotions.rollback(store, MODEL, "")[0].version == "3"
    assert promotions.rollback(store, MODEL, "")[0].version == "2"


def test_a_writer_whose_clock_is_behind_still_comes_last(store, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 2_000_000_000_000_000_000)
    promotions.promote(store, MODEL, "1", "gate", "")
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000_000_000_000)
    promotions.promote(store, MODEL, "2", "gate", "")
    assert moves(store) == [("1", "gate"), ("2", "gate")] and alias(store) == "2"


PROMOTE_OFTEN = f"""
import sys
from registry import promotions, server
client = server.mlflow_client()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    promotions.promote(client, "{MODEL}", sys.argv[1], "promote", "at once")
"""


def test_two_processes_that_promote_at_once_lose_no_record(store):
    command = [sys.executable, "-c", PROMOTE_OFTEN]
    processes = [
        subprocess.Popen([*command, version, "6"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for version in ("1", "2")
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    records = promotions.history(store, MODEL)
    assert sorted(r.version for r in records) == ["1"] * 6 + ["2"] * 6
    assert sum(a.version != b.version for a, b in pairwise(records)) > 1  # their records alternate
    assert alias(store) == records[-1].version and all(r.confirmed for r in records)


def test_many_threads_lose_no_record_and_none_is_taken_for_a_move_from_outside(store):
    # at first without an alias, which MLflow does not create safely
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: promotions.promote(store, MODEL, str(i % 6 + 1), "gate", ""), range(16)))
    records = promotions.history(store, MODEL)
    assert [r.how for r in records] == ["gate"] * 16
    assert alias(store) == records[-1].version and all(r.confirmed for r in records)
