"""A real supervisord."""

import json
import sys
from pathlib import Path

from stack import supervisor

SAY = """
import json, os, sys, time
print(json.dumps([os.getcwd(), *sys.argv[1:], os.environ["K"]]), flush=True)
time.sleep(60)
"""


def test_paths_reach_programs_as_they_are_whatever_the_project_s_folder_is_called(tmp_path, monkeypatch):
    folder = tmp_path / "a #%(x)s?&é ;b"
    folder.mkdir()
    monkeypatch.chdir(folder)
    said = [str(folder), f"-dir={folder}/data", str(folder)]
    program = supervisor.Program("p", [sys.executable, "-c", SAY, said[1]], {"K": said[2]})
    supervisor.write_config([program])
    supervisor.start_daemon()
    try:
        supervisor.start("p")
        assert json.loads(Path(".ftn/stack/logs/p.log").read_text()) == said
    finally:
        supervisor.shut_down()
