"""A user's mistakes: one line that says what to do, exit code 2."""

import socket
import subprocess

from ports import free_ports


def told(process: subprocess.Popen[str]) -> str:
    """The last line of a command that must end with 2."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2, out
    return out.strip().splitlines()[-1]


def test_a_port_that_is_taken(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert told(project.start("--port", str(port))) == (
            f"ftn: port {port} of 127.0.0.1 cannot be had (Address already in use): choose another with --port"
        )


def test_no_model_at_all(project, tmp_path):
    project = type(project)(tmp_path, {}, {})
    assert told(project.start("--port", "0")) == (
        "ftn: there is no model here: run `make repro`, or name a model with --model"
    )


def test_a_model_that_is_none(project):
    assert "nowhere.safetensors does not exist" in told(project.start("--port", "0", "--model", "nowhere.safetensors"))
    assert "models:/ftn-denoiser/9 cannot be read" in told(project.start("--port", "0", "--model", "models:/ftn-denoiser/9"))


def test_a_registry_that_does_not_answer_leaves_the_files(project):
    port = free_ports(1)[0]
    process = project.start("--port", "0", MLFLOW_TRACKING_URI=f"http://user:secret@127.0.0.1:{port}")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "The dial is at" in line:
            break
    process.terminate()
    process.communicate(timeout=30)
    text = "".join(lines)
    assert f"the registry at http://***@127.0.0.1:{port} does not answer" in text and "only the files are offered" in text
    assert "secret" not in text
    assert "The dial is at" in lines[-1]
