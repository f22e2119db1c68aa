from ftn_core.utils import progress as module
from ftn_core.utils.progress import Progress


def test_lines_have_percent_rate_and_time_left(capsys):
    progress = Progress("stage", "steps", 200, start=100, every=0)
    progress(150, "loss 0.1")
    line = capsys.readouterr().out
    assert line.startswith("stage: 150 of 200 steps, 75%, ")
    assert line.endswith(" steps/s, 0:00:00 left, loss 0.1\n")


def test_an_unknown_total(capsys):
    Progress("download", "MB", None, every=0)(3)
    assert capsys.readouterr().out.startswith("download: 3 MB, ")


def test_silent_between(capsys):
    progress = Progress("stage", "steps", 3, every=3600)
    progress(1)
    progress(3)
    assert capsys.readouterr().out == ""


def test_a_line_every_few_seconds_with_the_rate_since_the_start(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    progress = Progress("downloading x", "MB", 100, start=20)
    for now[0], done in ((1, 25), (6, 50), (7, 55), (12, 80)):
        progress(done)
    assert capsys.readouterr().out.splitlines() == [
        "downloading x: 50 of 100 MB, 50%, 5.0 MB/s, 0:00:10 left",
        "downloading x: 80 of 100 MB, 80%, 5.0 MB/s, 0:00:04 left",
    ]
