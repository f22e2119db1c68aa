from ftn_core.progress import Progress


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
