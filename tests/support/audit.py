"""Runs ``python -m tasks ...`` and lists the files that it opens for reading: ``audit.py FOLDER -m tasks STAGE ...``.

The list goes to ``FOLDER/STAGE``, with the stage's name from DVC, one absolute path a line.
"""

import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    folder, _, module, *arguments = sys.argv[1:]
    log = os.open(Path(folder, os.environ["DVC_STAGE"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    seen = set()

    def note(path) -> None:
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as `open` has it
        if name not in seen and os.path.isfile(name):  # noqa: PTH113 - no folders, nothing that is missing
            seen.add(name)
            os.write(log, f"{name}\n".encode())

    def hook(event, arguments) -> None:
        if event == "open" and not isinstance(arguments[0], int):  # not a descriptor, which was opened before
            path, _, flags = arguments
            if flags & os.O_ACCMODE != os.O_WRONLY:
                note(path)

    sys.addaudithook(hook)
    _note_safetensors(note)
    sys.path[0] = str(Path.cwd())  # as `python -m` has it
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _note_safetensors(note) -> None:
    """Safetensors opens files in Rust, of which Python's hook sees nothing."""
    import safetensors

    original = safetensors.safe_open

    def safe_open(filename, *arguments, **options):
        note(filename)
        return original(filename, *arguments, **options)

    safetensors.safe_open = safe_open


if __name__ == "__main__":
    main()
