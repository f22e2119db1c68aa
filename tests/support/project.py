"""Which of the repository's files a module imports, directly or through others; found in the text, nothing is run."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def closure(*files: str) -> set[str]:
    """Paths relative to the root, the given files among them; imports inside functions count, type-only ones do not."""
    found: set[str] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports(file)
    return found


def imports(file: str) -> Iterator[str]:
    for node in _runtime_nodes(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _module_files(node.module)
            for alias in node.names:
                yield from _module_files(f"{node.module}.{alias.name}")


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _runtime_nodes(child)


def _module_files(module: str) -> Iterator[str]:
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        path = Path(*parts[:depth])
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if (ROOT / candidate).is_file():
                yield candidate.as_posix()
