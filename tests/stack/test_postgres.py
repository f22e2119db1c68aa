"""Without a server; with one: tests/stack/test_check.py and test_team.py."""

import shutil

from stack import postgres
from stack.settings import load_settings


def test_useradd_is_found_though_roots_path_lacks_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    postgres.POSTGRES_DATA.mkdir(parents=True)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(postgres.utils, "ensure_prefix_permissions", lambda path: None)
    found = []
    monkeypatch.setattr(postgres.utils, "ensure_user_exists", lambda user: found.append(shutil.which("useradd")))
    assert postgres.initialise(load_settings()) == postgres.SYSTEM_USER
    assert found == [shutil.which("useradd", path="/usr/sbin")]
