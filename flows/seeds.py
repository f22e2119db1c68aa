"""Mean and spread of the table of results over several seeds: ``python -m flows.seeds 0 1 2``."""

import argparse
import json
import sys

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.pipeline import pipeline, run_and_report
from flows.states import REFUSED
from ftn_core.data.task import make_task
from ftn_core.parameters import load_parameters
from ftn_core.report.table import spread_table
from ftn_core.utils.errors import UserError
from tasks.paths import METRICS, RESULTS

SEEDS_TABLE = RESULTS / "seeds.md"


@flow(name="seeds", persist_result=False)
def over_seeds(seeds: list[int]) -> State:
    """Bring the report up to date for one seed after the other, then for the seed that params.yaml had before.

    DVC's cache keeps what each seed's stages made, so nothing is computed twice.

    Args:
        seeds: Values of the parameter `seed`.
    """
    try:
        own = load_parameters()
    except UserError as error:
        return Failed(name=REFUSED, message=str(error))
    found = []
    for seed in (*seeds, own.seed):
        state = pipeline(targets=["report"], overrides=[f"seed={seed}"], return_state=True)
        if not state.is_completed():
            return Failed(name=state.name, message=f"seed {seed}: {state.message}")
        found.append(json.loads(METRICS.read_text())["psnr"])
    quantity = make_task(own.degradation, own.train.loss, own.finetune.loss).quantity
    SEEDS_TABLE.write_text(spread_table(found[:-1], quantity))
    return Completed(message=f"{SEEDS_TABLE}: {len(seeds)} seeds")


def main(arguments: list[str] | None = None) -> int:
    """Run the flow from the command line and print the table; exit codes as those of ``flows.pipeline``."""
    parser = argparse.ArgumentParser(prog="python -m flows.seeds", description="Mean and spread of PSNR over seeds.")
    parser.add_argument("seed", nargs="+", type=int)
    seeds = parser.parse_args(arguments).seed
    if len(set(seeds)) < max(2, len(seeds)):
        parser.error("a spread needs at least two seeds, all different")  # exits with 2
    code = run_and_report(lambda: over_seeds(seeds, return_state=True), ([f"seed={seed}"] for seed in seeds))
    if not code:
        print(SEEDS_TABLE.read_text())
    return code


if __name__ == "__main__":
    sys.exit(main())
