"""The project's files that a module imports, directly or indirectly. They are found in the source; nothing is run."""

import ast
from collections.abc import Iterator
from pathlib import Path


def closure(*files: str, root: Path = Path()) -> set[str]:
    """The given files and all files that they import, as paths relative to the root.

    Imports inside functions count. Imports under ``TYPE_CHECKING`` do not. An ``__init__.py`` that holds only a
    docstring is left out.
    """
    found: set[str] = set()
    pending = list(files)
    while pending:
        file = pending.pop()
        if file not in found:
            found.add(file)
            pending += imports(file, root)
    return {file for file in found if file in files or not _only_a_docstring(root / file)}


def imports(file: str, root: Path = Path()) -> Iterator[str]:
    """The project's files that one file imports directly."""
    for node in _runtime_nodes(ast.parse((root / file).read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name, root)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _module_files(node.module, root)
            for alias in node.names:
                yield from _module_files(f"{node.module}.{alias.name}", root)


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _runtime_nodes(child)


def _module_files(module: str, root: Path) -> Iterator[str]:
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        path = Path(*parts[:depth])
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if (root / candidate).is_file():
                yield candidate.as_posix()


def _only_a_docstring(path: Path) -> bool:
    body = ast.parse(path.read_text()).body
    return path.name == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
    )
