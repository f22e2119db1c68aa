"""Limits of containers: files as Linux has them, and the real thing where a group of processes can be made."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from project import ROOT

from ftn_core.utils import limits

HERE = len(os.sched_getaffinity(0))
GB = 2**30
V2 = "0::/pod/work\n"
V1 = "5:memory:/pod/work\n4:cpu,cpuacct:/pod/work\n0::/pod/work\n"
UNLIMITED = "9223372036854771712"


@pytest.mark.parametrize(
    ("groups", "files", "cores", "memory"),
    [
        (V2, {"pod/cpu.max": "max 100000", "pod/memory.max": "max"}, HERE, None),
        (V2, {"pod/cpu.max": "50000 100000"}, 1, None),
        (V2, {"pod/work/cpu.max": "max 100000", "cpu.max": "100000 100000"}, 1, None),
        (V2, {"pod/cpu.max": "900000000 100000"}, HERE, None),
        (
            V2,
            {
                "pod/memory.max": f"{GB // 2}",
                "pod/memory.current": f"{GB // 4}",
                "pod/memory.stat": f"anon 5\ninactive_file {GB // 8}\n",
            },
            HERE,
            3 * GB // 8,
        ),
        (V2, {"pod/memory.max": "1000", "pod/memory.current": "1200"}, HERE, 0),
        (V1, {"cpu/pod/cpu.cfs_quota_us": "-1", "cpu/pod/cpu.cfs_period_us": "100000"}, HERE, None),
        (V1, {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 1, None),
        (V1, {"memory/memory.limit_in_bytes": UNLIMITED, "memory/memory.usage_in_bytes": "1000"}, HERE, None),
        (
            V1,
            {
                "memory/pod/work/memory.limit_in_bytes": f"{GB // 2}",
                "memory/pod/work/memory.usage_in_bytes": f"{GB // 4}",
                "memory/pod/work/memory.stat": f"inactive_file 7\ntotal_inactive_file {GB // 8}\n",
            },
            HERE,
            3 * GB // 8,
        ),
        ("", {}, HERE, None),
    ],
)
def test_the_tightest_limit_of_all_groups_counts(tmp_path, monkeypatch, groups, files, cores, memory):
    (tmp_path / "process").write_text(groups)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(limits, "_PROCESS", tmp_path / "process")
    monkeypatch.setattr(limits, "_GROUPS", tmp_path)
    assert limits.cores() == cores
    if memory is None:
        assert limits.free_memory() == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    else:
        assert limits.free_memory() == memory


def test_a_group_that_linux_limits(tmp_path):
    """A child in a real group: it sees half a gigabyte, and what it takes of that."""
    line = next((x for x in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in x), "0::/")
    first = ":memory:" in line
    own = Path("/sys/fs/cgroup", "memory" if first else "", line.split(":", 2)[2].lstrip("/"))
    group = own / f"ftn-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(GB // 2))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no group of processes can be made here: {error}")
    script = (
        f"open('{group}/cgroup.procs', 'w').write('0'); from ftn_core.utils.limits import free_memory\n"
        f"before = free_memory(); block = bytearray({GB // 4}); print(before, free_memory())"
    )
    try:
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    finally:
        group.rmdir()
    before, after = map(int, done.stdout.split())
    assert GB // 4 < before <= GB // 2 and GB // 4 * 0.9 < before - after < GB // 4 * 1.3
