"""What this process may use: cores, and memory. A container can have less than its machine.

Linux keeps a container's limits in files, those of a group of processes and of all groups around it.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

_PROCESS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """The cores in this process's affinity mask (all on systems without one), or of its quota of their time."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_quota(folder) for folder in _folders("cpu")]
    return min([found, *(max(1, math.ceil(quota)) for quota in quotas if quota)])


def free_memory() -> int:
    """Bytes that can be taken before the system ends processes to get some back."""
    import psutil

    left = [_left(folder) for folder in _folders("memory")]
    return max(0, min([psutil.virtual_memory().available, *(bytes_ for bytes_ in left if bytes_ is not None)]))


def _folders(controller: str) -> Iterator[Path]:
    """The folders of this process's group and of those around it. Within a container some are not to be seen."""
    for line in _PROCESS.read_text().splitlines() if _PROCESS.exists() else ():
        _, controllers, group = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            top = _GROUPS / controller if controllers else _GROUPS
            place = Path(group.lstrip("/"))
            yield from (top / folder for folder in (place, *place.parents))


def _quota(folder: Path) -> float | None:
    """Cores whose time a group may use."""
    for words in (
        _words(folder / "cpu.max"),  # version 2
        _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us"),
    ):
        if len(words) == 2 and words[0].isdigit():
            return int(words[0]) / int(words[1])
    return None


def _left(folder: Path) -> int | None:
    """Bytes that a group may still take. What it keeps of files that it has read is free, too."""
    for limit, used, kept in (
        ("memory.max", "memory.current", "inactive_file"),  # version 2
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        words = _words(folder / limit)
        if words and words[0].isdigit():
            stat = _words(folder / "memory.stat")
            cached = int(stat[stat.index(kept) + 1]) if kept in stat else 0
            return int(words[0]) - int(_words(folder / used)[0]) + cached
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
