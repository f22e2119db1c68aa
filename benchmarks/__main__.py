"""Every benchmark, one after the other, each in a process of its own; then the page.

python -m benchmarks [--quick]
"""

import argparse
import ast
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
    """Exit code: 1 where a benchmark failed, which the end names; the others run and are rendered all the same."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that they run; nothing is written")
    quick = ["--quick"] if parser.parse_args().quick else []
    failed = []
    for name in names(HERE):
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *quick], cwd=HERE.parent).returncode:
            failed.append(name)
    if not quick:
        subprocess.run([sys.executable, "-m", "benchmarks.render"], cwd=HERE.parent, check=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
