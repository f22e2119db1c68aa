"""Use a GPU for as long as there is one: ``python -m benchmarks.gpu`` (docs/gpu.md)."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.gpu import GPU, ROOT
from benchmarks.gpu.archive import unpack, write_archive
from benchmarks.gpu.processes import end
from ftn_core.utils.errors import UserError
from ftn_core.utils.messages import complain, say

MINUTES = {"checks": 2.0, "paper": 12.0, "photo": 12.0}
"""The parts in the order in which they run."""
SAVE_SECONDS = 60.0


def run(minutes: dict[str, float], limit: float, out: Path | None) -> int:
    """Run each part until it is done or has had its time, that of earlier calls included; 1 if something failed."""
    until, failed = time.monotonic() + 60 * limit, 0
    for part, allowed in minutes.items():
        folder = GPU / part
        if part != "checks" and not (folder / "params.yaml").exists():
            say(f"{part}: not run, because it is not packed: python -m benchmarks.gpu pack {part} FOLDER")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        spent_file = folder / "spent"
        before = float(spent_file.read_text()) if spent_file.exists() else 0.0
        start = saved = time.monotonic()
        left = min(60 * allowed - before, until - start)
        if left <= 0:
            say(f"{part}: no time is left")
            continue
        say(f"{part}: {left:.0f} s are left")
        module = "checks" if part == "checks" else "part"
        process = subprocess.Popen([sys.executable, "-m", f"benchmarks.gpu.{module}", part, str(left)], cwd=ROOT)
        try:
            while (code := process.poll()) is None and (now := time.monotonic()) - start < left:
                time.sleep(0.2)
                spent_file.write_text(str(before + now - start))
                if out and now - saved > SAVE_SECONDS:
                    write_archive(out)
                    saved = now
        finally:
            end(process)
        say(f"{part}: {'stopped, its time is over' if code is None else f'ended with {code}'}")
        failed |= bool(code)
        if out:
            write_archive(out)
    return failed


def main() -> int:
    """Exit code 1: something failed; 2: a mistake (one line on stderr)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--minutes", type=float, nargs=len(MINUTES), default=list(MINUTES.values()), metavar=tuple(MINUTES),
        help="for each part, over all calls",
    )  # fmt: skip
    parser.add_argument("--limit", type=float, default=1e6, metavar="MINUTES", help="for this call")
    parser.add_argument("--out", type=Path, help="folder for results and weights in files of 15 MiB, every minute")
    commands = parser.add_subparsers(dest="command")
    pack = commands.add_parser("pack", help="copy photographs and parameters into a part")
    pack.add_argument("part", choices=list(MINUTES)[1:])
    pack.add_argument("folder", type=Path)
    pack.add_argument("--include", nargs="+", default=["**"], help="patterns as in .gitignore")
    pack.add_argument("--megabytes", type=float, default=50.0)
    commands.add_parser("unpack", help="put what --out wrote back into .gpu").add_argument("folder", type=Path)
    commands.add_parser("take", help="make a part's results those of this project").add_argument("part")
    given = parser.parse_args()
    try:
        match given.command:
            case "pack":
                from benchmarks.gpu.packing import pack as pack_part  # needs what a machine with a GPU may lack

                pack_part(given.part, given.folder, given.include, given.megabytes)
            case "unpack":
                unpack(given.folder)
            case "take":
                from benchmarks.gpu.taking import take

                take(given.part)
            case _:
                return run(dict(zip(MINUTES, given.minutes, strict=True)), given.limit, given.out)
    except UserError as error:
        complain(f"gpu: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
