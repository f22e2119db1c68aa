import resource
import shutil

import pytest
import yaml
from project import ROOT

from flows.overrides import BEFORE, own_parameters
from flows.params_file import change_params
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError


@pytest.fixture(autouse=True)
def params(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "params.yaml"


def override(*overrides):
    """Apply overrides as for a run that is killed."""
    run = own_parameters(overrides, False, print)
    run.__enter__()
    BEFORE.unlink(missing_ok=True)


def changed_lines(before, after):
    return [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]


def test_several_overrides_change_their_lines_and_nothing_else(params):
    before = params.read_text()
    override("train.steps=80", "levels.from_scratch=[]", "train.start=ffdnet", "train.loss={name: l2}")
    changed = changed_lines(before, params.read_text())
    assert [(a.partition(" #")[0].rstrip(), b.partition(" #")[0].rstrip()) for a, b in changed] == [
        ("  from_scratch: [0.5, 0.6]", "  from_scratch: []"),
        ("  steps: 1400", "  steps: 80"),
        ("  start: null", "  start: ffdnet"),
        ("  loss: {name: l1}", "  loss: {name: l2}"),
    ]
    assert all(a.partition(" #")[2] == b.partition(" #")[2] for a, b in changed)
    override("train.steps=1400", "levels.from_scratch=[0.5, 0.6]", "train.start=null", "train.loss={name: l1}")
    assert params.read_text() == before


@pytest.mark.parametrize(
    ("override_", "written"),
    [
        ("train.lr=1e-3", 0.001),
        ("train.lr=0.00001", 0.00001),
        ("levels.adapted=[0.5]", [0.5]),
        ("data.folder=yes", "yes"),
        ("data.folder=my photographs", "my photographs"),
        ('data.folder="a: b # c"', "a: b # c"),
        ("network.depth = 7", 7),
    ],
)
def test_pyyaml_and_the_schema_read_what_was_given(params, override_, written):
    override(override_)
    section, key = override_.partition("=")[0].strip().split(".")
    value = yaml.safe_load(params.read_text())[section][key]
    assert (type(value), value) == (type(written), written)
    load_parameters(params)


def test_the_last_of_several_for_one_key_counts(params):
    override("train.loss.name=l2", "train.loss={name: l1}", "train.steps=7", "train.steps=9")
    values = yaml.safe_load(params.read_text())
    assert (values["train"]["loss"], values["train"]["steps"]) == ({"name": "l1"}, 9)


LAYOUT = """a:
    b:   1   # é
    c:    # a block
      - 1
      - {z: 1}
    # between
    d:
    e: [1,
      2]  # tail
f: ~
"""
CHANGED = """a:
    b:   2   # é
    c: [3]
    # between
    d: [4]
    e: [5]  # tail
f: 6
"""


def test_any_layout_of_the_file_is_kept(params, monkeypatch):
    monkeypatch.setattr("flows.params_file.parse_text", lambda text, origin: None)  # another schema's keys
    params.write_text(LAYOUT)
    changes = [(("a", "b"), 2), (("a", "c"), [3]), (("a", "d"), [4]), (("a", "e"), [5]), (("f",), 6)]
    assert change_params(changes, "test") == [
        "a.b: 1 -> 2", "a.c: # a block - 1 - {z: 1} -> [3]", "a.d:  -> [4]", "a.e: [1, 2] -> [5]", "f: ~ -> 6"
    ]  # fmt: skip
    assert params.read_text() == CHANGED


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.steps=80", "train.stpes=80"], "train.steps=80 train.stpes=80: params.yaml has no key train.stpes"),
        (["+train.speed=7"], "+train.speed=7: params.yaml has no key +train.speed"),
        (["train.steps"], "override 'train.steps' is refused: KEY=VALUE is needed, such as train.steps=3000"),
        (["levels.methods=[ftn"], "override 'levels.methods=[ftn' is not valid YAML"),
        (["train.steps=80", "levels.methods=[ftm]"], "params.yaml with train.steps=80 levels.methods=[ftm]: "),
        (["train.steps=true"], "train.steps = True is not allowed"),
        (["train.steps=80.0"], "train.steps = 80.0 is not allowed"),
    ],
)
def test_what_is_not_allowed_is_named_in_one_line_and_nothing_is_written(params, overrides, message):
    before = params.read_bytes()
    with pytest.raises(UserError) as caught:
        override(*overrides)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert params.read_bytes() == before


def test_what_the_graph_refuses_is_taken_back(params):
    before = params.read_bytes()
    with pytest.raises(UserError, match="no such target"), own_parameters(["train.steps=80"], False, print):
        assert params.read_bytes() != before
        raise UserError("no such target")
    assert params.read_bytes() == before


def test_a_killed_runs_parameters_end_with_the_next_run_and_edits_stay(params):
    before = params.read_text()
    killed = own_parameters(["train.steps=80"], False, print)
    killed.__enter__()  # and nothing after it
    assert "steps: 80" in params.read_text()
    with own_parameters([], False, print):
        assert params.read_text() == before
    with own_parameters(["train.steps=80"], False, print):
        edited = params.read_text().replace("seed: 0", "seed: 1", 1)
        params.write_text(edited)
    assert params.read_text() == edited and not BEFORE.exists()


def test_on_a_full_disk_the_file_stays_as_it_was(params):
    before = params.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UserError, match="File too large: make room"):
            override("train.steps=80")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert params.read_bytes() == before and [path for path in params.parent.rglob("*") if path.is_file()] == [params]
