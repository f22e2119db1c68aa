import os

import numpy as np
import pytest

from ftn_core.data.store import Store, StoreWriter
from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.degradations.noise import CHUNK

NOISE = Degradation.of(DENOISING.degradation)
NOISY = {"name": "noise", "sigma": "level", "clip": False}


def test_a_set_holds_val_and_test_and_train_on_demand(tmp_path, make_store):
    for split in ("train", "val", "test"):
        make_store(f"photographs/{split}", count=2, seed=len(split))
    write_degraded_set(tmp_path / "photographs", tmp_path / "fresh", NOISE, 0.2, seed=0, train=False)
    write_degraded_set(tmp_path / "photographs", tmp_path / "fixed", NOISE, 0.2, seed=0, train=True)
    assert len(Store(tmp_path / "fresh/train")) == 0
    assert len(Store(tmp_path / "fixed/train")) == 2
    clean, noisy = Store(tmp_path / "photographs/test"), Store(tmp_path / "fresh/test")
    assert noisy.names == clean.names
    error = noisy[1].astype(np.float32) - clean[1] / 255
    assert abs(error.std() - 0.2) < 0.01


def test_adding_an_image_changes_none_of_the_others(tmp_path, make_store):
    for split in ("train", "val"):
        make_store(f"photographs/{split}", count=1)
    noisy = []
    for count in (2, 3):
        make_store("photographs/test", count=count)
        write_degraded_set(tmp_path / "photographs", tmp_path / "noisy", NOISE, 0.2, seed=0, train=False)
        noisy.append(np.array(Store(tmp_path / "noisy/test")[0]))
    np.testing.assert_array_equal(*noisy)


@pytest.mark.parametrize(
    ("degradation", "level"),
    [
        (NOISE, 0.2),
        (Degradation.build([{"name": "jpeg", "quality": "level"}]), 20),
        (
            Degradation.build([{"name": "downscaling", "scale": 2}, {"name": "noise", "sigma": "level", "clip": True}]),
            0.1,
        ),
        (Degradation.build([{"name": "noise", "sigma": 0.1, "clip": False}, {"name": "jpeg", "quality": "level"}]), 30),
        (Degradation.build([{"name": "sensor", "grain": "level"}, {"name": "jpeg", "quality": 90}]), 0.1),
        (Degradation(()), 0),
    ],
    ids=["noise", "jpeg", "downscaled, then noisy", "noisy, then jpeg", "sensor, then jpeg", "nothing"],
)
def test_the_cores_do_not_show_in_the_bytes(tmp_path, degradation, level):
    rng = np.random.default_rng(0)
    for split, sizes in {"train": [], "val": [(20, 30)], "test": [(9, 9), (411, 641), (50, 70), (300, 295)]}.items():
        with StoreWriter(tmp_path / "photographs" / split, "uint8") as writer:
            for size in sizes:
                writer.append(str(size), rng.integers(0, 256, (3, *size)).astype(np.uint8))
    write_degraded_set(tmp_path / "photographs", tmp_path / "all", degradation, level, seed=0, train=False)
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        write_degraded_set(tmp_path / "photographs", tmp_path / "one", degradation, level, seed=0, train=False)
    finally:
        os.sched_setaffinity(0, everywhere)
    clean, noisy = Store(tmp_path / "photographs/test"), Store(tmp_path / "all/test")
    assert clean[1].size > 2 * CHUNK
    for file in ("pixels.bin", "index.json"):
        assert (tmp_path / "all/test" / file).read_bytes() == (tmp_path / "one/test" / file).read_bytes()
    for pixels, noised in zip(clean, noisy, strict=True):
        np.testing.assert_array_equal(noised, degradation(np.array(pixels), level))
