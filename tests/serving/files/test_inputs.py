import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftn_core.utils.errors import UserError
from serving.files.inputs import CONTACT_SHEET, MARKS, RESTORED, plan_jobs


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.JPG", "notes.txt", "sub/a.png", "sub/deep/c.tiff", "sub/.hidden/d.png", ".e.png",
                 "a.restored.png", "sub/a.contact-sheet.png"):  # fmt: skip
        path = Path("in", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def planned(*arguments: str, out: str | None = None, mark: str = RESTORED) -> list[tuple[str, str]]:
    jobs = plan_jobs(arguments, None if out is None else Path(out), mark)
    return [(job.source.as_posix(), job.target.as_posix()) for job in jobs]


@pytest.mark.usefixtures("tree")
class TestPlan:
    def test_a_folder_gives_its_tree(self):
        assert planned("in", out="out") == [
            ("in/a.png", "out/a.png"), ("in/b.JPG", "out/b.JPG"), ("in/sub/a.png", "out/sub/a.png"),
            ("in/sub/deep/c.tiff", "out/sub/deep/c.tiff"),
        ]  # fmt: skip

    def test_without_out_results_lie_beside(self):
        assert planned("in/a.png", "in/sub") == [
            ("in/a.png", "in/a.restored.png"), ("in/sub/a.png", "in/sub/a.restored.png"),
            ("in/sub/deep/c.tiff", "in/sub/deep/c.restored.tiff"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "pattern, targets",
        [
            ("in/*.png", ["out/a.png"]),
            ("in/sub/**/*", ["out/a.png", "out/deep/c.tiff"]),
            ("in/**/*.tif*", ["out/sub/deep/c.tiff"]),
            ("in/[ab].*", ["out/a.png", "out/b.JPG"]),
        ],
    )
    def test_a_pattern_gives_what_it_matches(self, pattern, targets):
        assert [target for _, target in planned(pattern, out="out")] == targets

    def test_each_picture_is_taken_once(self):
        assert planned("in/a.png", "in/../in/a.png", "in/a.*", out="out") == [("in/a.png", "out/a.png")]

    def test_a_file_that_is_named_is_taken_whatever_its_name(self):
        assert planned("in/notes.txt", "in/a.restored.png") == [
            ("in/notes.txt", "in/notes.restored.txt"), ("in/a.restored.png", "in/a.restored.restored.png"),
        ]  # fmt: skip

    def test_a_name_with_brackets_is_a_name_first(self):
        Path("in/x[1].png").touch()
        assert planned("in/x[1].png", out="out") == [("in/x[1].png", "out/x[1].png")]

    def test_what_is_in_out_is_not_taken_again(self):
        for target in ("in/results/a.png", "in/results/sub/a.png"):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(target).touch()
        assert all("results" not in source for source, _ in planned("in", out="in/results"))

    def test_pictures_that_cannot_be_restored_are_planned_and_will_be_named(self):
        for name in ("in/sub/g.GIF", "in/sub/h.heic", "in/sub/i.bmp"):
            Path(name).touch()
        assert [source for source, _ in planned("in/sub", out="out")][1:] == [
            "in/sub/deep/c.tiff", "in/sub/g.GIF", "in/sub/h.heic", "in/sub/i.bmp",
        ]  # fmt: skip

    def test_links_that_go_round_in_a_circle_are_no_traceback(self):
        Path("in/a.restored.png").unlink()
        Path("in/a.restored.png").symlink_to("a.restored.png")
        Path("out").symlink_to("out")
        assert planned("in/a.png") == [("in/a.png", "in/a.restored.png")]
        assert planned("in/sub", out="out")[0] == ("in/sub/a.png", "out/a.png")

    def test_contact_sheets_are_marked_in_out_too(self):
        assert planned("in/a.png", out="out", mark=CONTACT_SHEET) == [("in/a.png", "out/a.contact-sheet.png")]

    @pytest.mark.parametrize("argument", ["nowhere", "in/*.webp", "in/sub/deep/*.png", "empty"])
    def test_what_gives_nothing_is_named(self, argument):
        Path("empty").mkdir()
        with pytest.raises(UserError, match=argument.replace("*", r"\*")):
            plan_jobs(["in", argument], None, RESTORED)

    def test_two_that_would_become_one_are_named(self):
        with pytest.raises(UserError, match=r"in/a\.png and in/sub/a\.png would both become out/a\.png"):
            plan_jobs(["in/a.png", "in/sub/a.png"], Path("out"), RESTORED)

    def test_a_result_in_a_sources_place_is_refused(self):
        with pytest.raises(UserError, match="choose another folder"):
            plan_jobs(["in/a.png"], Path("in"), RESTORED)


names = st.text(string.ascii_letters + "äé .[]-", min_size=1, max_size=6).filter(
    lambda name: name.strip(" .") == name and not name.startswith(".")
)
trees = st.sets(st.tuples(st.lists(names, max_size=2), names, st.sampled_from([".png", ".jpg", ".txt"])).map(
    lambda x: "/".join([*x[0], x[1] + x[2]])), min_size=1, max_size=8)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=trees, out=st.booleans(), mark=st.sampled_from(MARKS))
def test_any_tree_is_planned_one_to_one_or_refused(tmp_path_factory, files, out, mark):
    folder = tmp_path_factory.mktemp("tree")
    made = set()
    for name in files:
        path = folder / "in" / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError:  # a name that is a file and a folder
            continue
        made.add(path)
    wanted = {path for path in made if path.suffix != ".txt"}
    try:
        jobs = plan_jobs([str(folder / "in")], folder / "out" if out else None, mark)
    except UserError:
        assert not wanted
        return
    assert {job.source for job in jobs} == wanted
    assert len({job.target for job in jobs}) == len(jobs)
    assert not {job.target for job in jobs} & made
    if out:
        assert all(job.target.is_relative_to(folder / "out") for job in jobs)
