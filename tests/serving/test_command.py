"""What `ftn` itself does, whatever the subcommand."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

FTN = Path(sys.executable).with_name("ftn")


def test_it_says_its_version():
    assert subprocess.run([FTN, "--version"], capture_output=True, text=True).stdout == f"ftn {version('ftn')}\n"


def test_the_shell_completes_its_subcommands_and_options():
    for words, expected in (("ftn re", "restore\n"), ("ftn restore --ov", "--overwrite\n")):
        env = os.environ | {
            "_FTN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
        }  # fmt: skip
        assert subprocess.run([FTN], env=env, capture_output=True, text=True).stdout == expected
