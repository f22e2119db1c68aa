from pathlib import Path

import pytest
import yaml

from flows.seeds import SEEDS_TABLE, main
from ftn_core.parameters import load_parameters

pytestmark = pytest.mark.usefixtures("prefect_server")
REPORT = """
import json, yaml
from pathlib import Path
seed = yaml.safe_load(open("params.yaml"))["seed"]
if seed == 13:
    raise SystemExit("an unlucky number")
Path("results").mkdir(exist_ok=True)
Path("results/metrics.json").write_text(json.dumps({"psnr": {"ftn": {"0.5": 20.0 + seed}}}))
with open("runs.log", "a") as log:
    log.write(f"report {seed} 0\\n")
"""


@pytest.fixture
def toy(fresh):
    Path("report.py").write_text(REPORT)
    stage = {"cmd": "python report.py", "params": ["seed"], "outs": ["results/metrics.json"]}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"report": stage}}))
    return fresh


def test_mean_and_spread_of_what_each_seed_gives(toy, capsys):
    assert main(["1", "2", "6"]) == 0
    assert "| ftn | 23.00 ± 2.65 |" in SEEDS_TABLE.read_text()
    assert SEEDS_TABLE.read_text() in capsys.readouterr().out


def test_the_project_ends_where_it_began_and_nothing_is_computed_twice(toy):
    before = load_parameters()
    assert main(["1", "0"]) == main(["0", "1"]) == 0
    assert load_parameters() == before
    assert '"0.5": 20.0' in Path("results/metrics.json").read_text()
    assert [start for _, start, _ in toy.times()] == [1.0, 0.0]
    assert "up to date" in toy.dvc("repro")


def test_a_seed_that_fails_ends_it(toy, capsys):
    assert main(["1", "13", "2"]) == 1
    assert "report" in capsys.readouterr().err
    assert not SEEDS_TABLE.exists()
    assert load_parameters().seed == 0


@pytest.mark.parametrize("seeds", [["1"], ["1", "1"], ["1", "x"]])
def test_what_has_no_spread_is_refused(toy, seeds):
    with pytest.raises(SystemExit) as error:
        main(seeds)
    assert error.value.code == 2


def test_a_seed_that_is_not_allowed_changes_nothing(toy, capsys):
    before = Path("params.yaml").read_text()
    assert main(["1", "-2"]) == 2
    assert "seed = -2 is not allowed" in capsys.readouterr().err
    assert Path("params.yaml").read_text() == before and not toy.times()
