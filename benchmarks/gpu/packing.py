"""Makes a part ready to travel: its parameters, and photographs that fit."""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu import GPU, ROOT
from flows.params_file import change_params
from flows.presets import leaves, read_preset
from ftn_core.data.subset import evenly_spaced
from ftn_core.sources.folder import folder_photographs
from ftn_core.utils.errors import UserError
from ftn_core.utils.messages import say

CHANGES: dict[str, dict[str, Any]] = {
    "paper": {
        "levels": {
            "methods": ["ftn", "ftn-4", "ftn-16", "adafm", "dni"],
            "between": [],
            "chains": [],
            "noise_conditioned": [],
        }
    },
    "photo": {},
}
"""What differs from the preset of the same name: rows that are compared with published figures."""


def pack(part: str, folder: Path, include: Sequence[str], megabytes: float) -> None:
    """Write ``.gpu/PART/params.yaml`` and copy photographs beside it. Test photographs all go along.

    Raises:
        UserError: the part has results, or there are no photographs.
    """
    place = GPU / part
    if (place / "done").exists():
        raise UserError(f"{place.relative_to(ROOT)} has results: take them, then delete it")
    found = list(folder_photographs(folder, include=include, val_fraction=0.1, test_fraction=0.1))
    test = [photograph for photograph in found if photograph.split == "test"]
    others = [photograph for photograph in found if photograph.split != "test"]
    sizes = {photograph.name: photograph.path.stat().st_size for photograph in found}
    room = megabytes * 1e6 - sum(sizes[photograph.name] for photograph in test)
    count = len(others)
    while count and sum(sizes[others[i].name] for i in evenly_spaced(len(others), count)) > room:
        count -= 1
    shutil.rmtree(place, ignore_errors=True)
    for photograph in [*test, *(others[i] for i in evenly_spaced(len(others), count))]:
        copy = place / "photographs" / photograph.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photograph.path, copy)
    shutil.copy(ROOT / "params.yaml", place)
    own = {"data": {"source": "folder", "folder": "photographs", "include": ["**"]}, **CHANGES[part]}
    with contextlib.chdir(ROOT):
        preset = read_preset(f"{part}-gpu")
    with contextlib.chdir(place):
        change_params([*leaves(preset), *leaves(own)], f"the preset {part}-gpu")
    say(f"{part}: {len(test)} photographs to test on, {count} of {len(others)} others")
