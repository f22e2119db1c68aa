import subprocess
import sys

from project import ROOT

SCRIPT = """
import atexit, gc
atexit.register(lambda: print(finalised, collections, gc.get_freeze_count() > 0))
from ftn_core.utils.garbage_collection import collect_rarely
collect_rarely()

finalised = 0
class Cyclic:
    def __init__(self): self.me = self
    def __del__(self):
        global finalised
        finalised += 1
cycles = [Cyclic() for _ in range(500)]
cycles.clear()
kept = [[] for _ in range(100_000)]
collections = sum(generation["collections"] for generation in gc.get_stats())
"""


def test_garbage_in_cycles_is_found_in_few_collections_and_none_runs_at_the_end():
    result = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    finalised, collections, frozen = result.stdout.split()
    assert finalised == "500"
    assert 1 <= int(collections) < 30  # at Python's own pace more than a hundred
    assert frozen == "True"
