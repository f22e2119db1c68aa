"""Stage ``classical``: what denoisers that learn nothing reach, told the true sigma."""

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def classical(params: "Parameters", tracker: "Tracker") -> None:
    """Score scikit-image's denoisers on the test images at every sigma, where images are degraded by noise alone."""
    import numpy as np

    from ftn_core.classical import CLASSICAL
    from ftn_core.data.store import Store
    from ftn_core.degradations import Degradation
    from ftn_core.images import to_image
    from ftn_core.metrics import Score, mean_score, score_images
    from ftn_core.progress import Progress
    from ftn_core.units import level_name

    # told sigma, which only noise alone has
    levels = params.data.levels if Degradation.of(params.degradation).by_noise_alone else []
    clean = Store(workspace.PHOTOGRAPHS / "test")
    sets = {sigma: Store(workspace.degraded_set(sigma) / "test") for sigma in levels}
    jobs = [(name, sigma, i) for name in CLASSICAL for sigma in sets for i in range(len(clean))]

    def restored(job: tuple[str, float, int]) -> Score:
        name, sigma, i = job
        noisy = np.ascontiguousarray(sets[sigma][i].transpose(1, 2, 0), np.float32)
        output = CLASSICAL[name](noisy, sigma).astype(np.float32).transpose(2, 0, 1)
        return score_images(to_image(output), to_image(clean[i]))[0]

    scores = defaultdict(list)
    progress = Progress(tracker.stage, "images", len(jobs))
    with ThreadPoolExecutor(params.threads) as pool:
        for done, (job, result) in enumerate(zip(jobs, pool.map(restored, jobs), strict=True), 1):
            scores[job[:2]].append(result)
            progress(done)
    table: dict[str, dict[str, dict[str, float]]] = {name: {} for name in CLASSICAL if levels}
    for (name, sigma), results in scores.items():
        table[name][level_name(sigma)] = vars(mean_score(results))
    workspace.CLASSICAL.parent.mkdir(parents=True, exist_ok=True)
    workspace.CLASSICAL.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main(classical)
