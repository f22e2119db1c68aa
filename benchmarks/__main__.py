"""Every benchmark, one after the other, each in a process of its own; then the page.

python -m benchmarks [--quick]
"""

import argparse
import ast
import itertools
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names(folder: Path) -> list[str]:
    """The modules of a folder that define a ``main``."""
    found = []
    for path in sorted(folder.glob("[!_]*.py")):
        tree = ast.parse(path.read_text())
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found.append(path.stem)
    return found


def main() -> int:
    """Run all benchmarks, also after one that failed, and render the page.

    Exit code 1 if a benchmark failed. One that ended with 2 lacked something, which it has said; it is only named.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that they run; nothing is written")
    quick = ["--quick"] if parser.parse_args().quick else []
    ended: dict[int, list[str]] = {}
    for name in names(HERE):
        print(f"\n== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *quick], cwd=HERE.parent).returncode
        ended.setdefault(code, []).append(name)
    if not quick:
        subprocess.run([sys.executable, "-m", "benchmarks.render"], cwd=HERE.parent, check=True)
    if lacking := ended.pop(2, []):
        print(f"not measured, see above for what is missing: {', '.join(lacking)}", file=sys.stderr)
    ended.pop(0, None)
    if failed := list(itertools.chain.from_iterable(ended.values())):
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
