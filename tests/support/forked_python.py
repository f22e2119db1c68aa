"""Python programs as forks of one process that has imported the heavy libraries, which takes each program seconds.

``forked_python`` is an executable in the place of Python's. It sends its arguments, environment, folder and open files
to the server, whose fork runs the program with the project's code of that folder. A fork is no child of its caller, so
tests that kill a program with its children, or look for those, use the real interpreter.
"""

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
import weakref
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    "torch", "torchvision.io", "lightning_fabric", "safetensors.torch", "scipy.stats",
    "skimage.restoration.non_local_means", "matplotlib.pyplot", "matplotlib.backends.backend_svg",
    "dvc.cli.parser", "dvc.commands.repro", "dvc.repo.open_repo", "dvc.repo.stage", "dvc.cachemgr", "dvc.data_cloud",
    "dvc.rwlock", "dvc.utils.strictyaml", "dulwich.walk", "networkx",
    # what DVC imports once it has found a repository
    "configobj", "dulwich.ignore", "dulwich.worktree", "dvc.repo.artifacts", "dvc.repo.datasets", "dvc.repo.index",
    "dvc.repo.metrics", "dvc.repo.params", "dvc.repo.plots", "dvc_data.hashfile.db.local", "filelock",
    "fsspec.implementations.memory", "platformdirs", "ruamel.yaml",
    "alembic.config", "dotenv", "opentelemetry.sdk.metrics.export", "pydantic.dataclasses", "tifffile",
    "mlflow.pyfunc.model", "mlflow.system_metrics.system_metrics_monitor", "mlflow.store.db.utils",
    "mlflow.store.tracking.sqlalchemy_workspace_store", "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "sqlalchemy.dialects.sqlite", "sqlalchemy.ext.asyncio", "pydantic.v1", "httpx", "fastapi", "asyncpg",
    # what Prefect imports
    "asgi_lifespan", "coolname", "griffe", "h2.connection", "httpcore", "jsonschema", "pendulum", "prometheus_client",
    "websockets.asyncio.client",
)  # fmt: skip
"""None of them starts a thread or remembers the environment. Prefect does."""
STARTED = "FORKED_PYTHON"
"""The environment variable that holds the executable once its server has been started."""
CLIENT = """#!{python} -IS
import array, json, os, signal, socket, struct, sys

if not sys.argv[1:] or (sys.argv[1][:1] == "-" and sys.argv[1] not in ("-m", "-c", "-P", "-u")):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
files = []
for descriptor in map(int, os.listdir("/proc/self/fd")):
    try:
        if descriptor != server.fileno():
            os.fstat(descriptor)
            files.append(descriptor)
    except OSError:  # the folder's own
        continue
request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), files, os.getppid()]).encode()
server.sendmsg([struct.pack("I", len(request))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
server.sendall(request)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: server.send(bytes([number])))
(code,) = struct.unpack("i", server.recv(4, socket.MSG_WAITALL))
if code < 0:
    if code != -signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def forked_python() -> str:
    """The executable ``python``, in a folder of its own.

    The first process that calls this starts the server, which ends with it. Those that it starts, such as pytest's
    workers, share the server.
    """
    if started := os.environ.get(STARTED):
        return started
    folder = Path(tempfile.mkdtemp(prefix="ftn-python-"))
    executable = folder / "python"
    executable.write_text(CLIENT.format(python=sys.executable, address=str(folder / "socket")))
    executable.chmod(0o755)
    for program in Path(sys.prefix, "bin").iterdir():  # some look for others beside the interpreter
        if not program.name.startswith("python"):
            (folder / program.name).symlink_to(program)
    variables = {
        "GOMP_SPINCOUNT": "1000", "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "true",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # huge pages: a fork copies the page table
    }  # fmt: skip
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)  # clients wait here while the server imports
        server = subprocess.Popen(
            [sys.executable, "-P", __file__, str(folder), str(listener.fileno())],
            env=os.environ | variables, stdin=subprocess.PIPE, pass_fds=[listener.fileno()],
        )  # fmt: skip
    assert server.stdin
    atexit.register(server.stdin.close)  # the kernel closes it, too
    os.environ[STARTED] = str(executable)
    return str(executable)


class Server:
    """Forks for each request. A fork ends with its client, and its client with the fork's exit code."""

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self._executable = folder / "python"
        self._listener = listener
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(sys.stdin, selectors.EVENT_READ, self._end_all)
        self._waiting.register(self._listener, selectors.EVENT_READ, self._fork)

    def serve(self) -> NoReturn:
        while True:
            for key, _ in self._waiting.select():
                if self._waiting.get_map().get(key.fd) is key:  # an event before this one has not removed it
                    key.data()

    def _end_all(self) -> NoReturn:
        shutil.rmtree(self._executable.parent)
        sys.exit()

    def _fork(self) -> None:
        client = self._listener.accept()[0]
        header, ancillary, _, _ = client.recvmsg(4, socket.CMSG_SPACE(1000))
        files = array.array("i", b"".join(content for _, _, content in ancillary))
        request = json.loads(client.recv(struct.unpack("I", header)[0], socket.MSG_WAITALL))
        pid = os.fork()
        if not pid:
            own = [key.fileobj for key in self._waiting.get_map().values() if key.fileobj is not sys.stdin]
            self._waiting.close()
            for file in [*own, client]:
                os.close(file) if isinstance(file, int) else file.close()
            _become(self._executable, list(files), *request)
        for file in files:
            os.close(file)
        process = os.pidfd_open(pid)
        self._waiting.register(process, selectors.EVENT_READ, lambda: self._end(pid, process, client))
        self._waiting.register(client, selectors.EVENT_READ, lambda: self._signal(pid, client))

    def _signal(self, pid: int, client: socket.socket) -> None:
        numbers = client.recv(16)
        for number in numbers or [signal.SIGKILL]:
            os.kill(pid, number)
        if not numbers:
            self._waiting.unregister(client)

    def _end(self, pid: int, process: int, client: socket.socket) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError):
            client.send(struct.pack("i", code))
        with contextlib.suppress(KeyError):
            self._waiting.unregister(client)
        self._waiting.unregister(process)
        os.close(process)
        client.close()


def _become(
    executable: Path, files: list[int], arguments: list[str], environment: dict[str, str], folder: str,
    numbers: list[int], parent: int,
) -> NoReturn:  # fmt: skip
    """Run the program that a client asks for.

    Args:
        files: what the client has open.
        numbers: of the same files at the client.
        parent: the client's.
    """
    moved = [os.dup2(file, 500 + i, inheritable=False) for i, file in enumerate(files)]  # out of each other's way
    for file in files:
        os.close(file)
    for file, number in zip(moved, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.environ.pop("FTN_RUN_PROCESS", None)  # would look for the door among the real parents
    tempfile.tempdir = None  # what libraries have asked for while they were imported
    own, real = os.getpid(), os.getppid  # an uploader asks for its stage, and a data worker for this process
    os.getppid = lambda: parent if os.getpid() == own else real()
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = (open(i, "rw"[i > 0], 1, closefd=False) for i in range(3))  # noqa: SIM115
    sys.executable = str(executable)
    sys.orig_argv = [sys.executable, *arguments]
    own_path = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:0] = own_path
    code = 1
    try:
        if site := importlib.machinery.PathFinder.find_spec("sitecustomize", own_path):
            site.loader.exec_module(importlib.util.module_from_spec(site))
        _run(*arguments)
        code = 0
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        else:
            code = error.code or 0
    except BaseException:
        traceback.print_exc()
    for number in (signal.SIGINT, signal.SIGTERM):  # the end is near, and a handler would print that it was disturbed
        signal.signal(number, signal.SIG_IGN)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


def _run(first: str, *rest: str) -> None:
    """As ``python FIRST REST``."""
    if first == "-u":  # pytest's workers; here output leaves line by line anyway
        first, *rest = rest
    if first == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = list(rest)
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        sys.modules["__main__"] = main = type(sys)("__main__")
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    else:
        if first == "-P":
            first, *rest = rest
        else:
            sys.path.insert(0, str(Path(first).resolve().parent))
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    importlib.import_module("sqlalchemy.orm").configure_mappers()  # MLflow's tables: each store would have done it
    assert threading.active_count() == 1, threading.enumerate()
    # what the libraries do at the end of a program would copy many pages, and no fork needs it
    weakref.finalize._registry.clear()
    atexit.unregister(sys.modules["torch._dynamo.utils"].dump_compile_times)
    gc.collect()
    gc.freeze()  # a collection would copy every page
    Server(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))).serve()
