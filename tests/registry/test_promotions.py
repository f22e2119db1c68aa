"""The history of promotions in a real store: no record is lost, and the alias ends at the last one."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise

import pytest
from forked_python import forked_python
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
    assert begun - 1 < record.at.timestamp() < time.time() + 1
    assert promotions.history(store, MODEL)[-1] == record
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


def test_a_promotion_killed_before_the_alias_followed_is_recorded_and_can_be_repeated(store, monkeypatch):
    promotions.promote(store, MODEL, "1", "gate", "")

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(versions, "set_alias", killed)
        with pytest.raises(SystemExit):
            promotions.promote(store, MODEL, "2", "gate", "")
    assert alias(store) == "1" == promotions.current_champion(store, MODEL) and moves(store)[-1] == ("2", "gate")
    promotions.promote(store, MODEL, "2", "gate", "")
    assert alias(store) == "2" and moves(store) == [("1", "gate"), ("2", "gate"), ("2", "gate")]
    assert promotions.rollback(store, MODEL, "")[0].version == "1"


def test_an_alias_moved_from_outside_counts_and_shows_in_the_next_record(store):
    promotions.promote(store, MODEL, "1", "gate", "")
    store.set_registered_model_alias(MODEL, "champion", "2")
    assert promotions.promote(store, MODEL, "3", "promote", "").before == "2"
    assert moves(store) == [("1", "gate"), ("3", "promote")]
    store.set_registered_model_alias(MODEL, "champion", "4")
    assert [promotions.rollback(store, MODEL, "")[0].version for _ in range(3)] == ["3", "2", "1"]


def test_a_writer_whose_clock_is_behind_still_comes_last(store, monkeypatch):
    class Early(datetime):
        @classmethod
        def now(cls, zone):
            return datetime(2001, 1, 1, tzinfo=zone)

    promotions.promote(store, MODEL, "1", "gate", "")
    monkeypatch.setattr(promotions, "datetime", Early)
    for version in ("2", "3"):
        promotions.promote(store, MODEL, version, "gate", "")
    assert [version for version, _ in moves(store)] == ["1", "2", "3"] and alias(store) == "3"


def test_a_long_reason_is_cut_and_any_characters_are_kept(store):
    why = "Größe, 大きさ 😀\n" + "x" * 10_000
    promotions.promote(store, MODEL, "1", "gate", why)
    assert promotions.history(store, MODEL)[0].why == why[:4000]


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
    command = [forked_python(), "-c", PROMOTE_OFTEN]
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
    assert alias(store) == records[-1].version


def test_many_threads_lose_no_record(store):
    # at first without an alias, which MLflow does not create safely
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: promotions.promote(store, MODEL, str(i % 6 + 1), "gate", ""), range(16)))
    records = promotions.history(store, MODEL)
    assert sorted(r.version for r in records) == sorted(str(i % 6 + 1) for i in range(16))
    assert alias(store) == records[-1].version
