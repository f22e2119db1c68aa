from pathlib import Path

from flows.stale_outputs import remove_stale_outputs

GRAPH = """
stages:
  prepare: {cmd: "true", deps: ["ABOVE", ".", data], outs: [data/photographs]}
  degraded: {cmd: "true", deps: [data/photographs], outs: [data/degraded/0.2]}
  evaluate: {cmd: "true", deps: [data/degraded, data/mine], outs: [results/methods/ftn.json]}
  report: {cmd: "true", deps: [results/methods], outs: [results/report.html]}
"""
KEPT = [
    "../beside.txt", "note.txt", "data/mine/cat.jpg", "data/dog.jpg", "data/photographs/1", "data/degraded/0.2/1",
    "results/other.txt", "results/methods/ftn.json",
]  # fmt: skip
STALE = ["data/degraded/0.3/train/1", "results/methods/adafm.json"]


def removed():
    lines = []
    remove_stale_outputs(lines.append)
    return lines


def put_into_the_cache(project, text):
    Path("note.txt").write_text(text)
    project.dvc("add", "-q", "note.txt")
    Path("note.txt.dvc").unlink()


def test_what_no_stage_makes_any_more_goes_and_what_is_the_user_s_stays(fresh):
    put_into_the_cache(fresh, "x")
    Path("dvc.yaml").write_text(GRAPH.replace("ABOVE", str(fresh.root.parent)))
    for name in KEPT + STALE:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    assert removed() == [
        "data/degraded/0.3: no stage makes it any more, removed",
        "results/methods/adafm.json: no stage makes it any more, removed",
    ]
    assert [name for name in KEPT if not Path(name).exists()] == []
    assert [name for name in STALE if Path(name).exists()] == []
    assert removed() == []


def test_what_dvc_s_cache_does_not_have_is_left_and_named(fresh):
    put_into_the_cache(fresh, "x")
    Path("dvc.yaml").write_text(GRAPH.replace("ABOVE", str(fresh.root.parent)))
    for name in STALE:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    own = Path("data/degraded/0.3/train/2")
    own.write_text("drawn by hand")
    Path("results/methods/link.json").symlink_to("nowhere")
    left, gone, link = removed()
    assert left.startswith("data/degraded/0.3: left, because")
    assert link.startswith("results/methods/link.json: left, because")
    assert gone == "results/methods/adafm.json: no stage makes it any more, removed"
    assert own.read_text() == "drawn by hand" and Path(STALE[0]).exists() and not Path(STALE[1]).exists()


def test_a_broken_graph_is_left_to_the_run(fresh):
    Path("dvc.yaml").write_text("stages: [")
    assert removed() == []
