"""Names of levels, and of rows that stand for one or for several."""


def level_name(level: float) -> str:
    """A level in names of files, stages and records, written as DVC writes numbers from YAML: ``0.2``, ``40``."""
    return repr(float(level)).removesuffix(".0")


def chain_name(method: str) -> str:
    """The row of a method's chain, which has the levels between, too."""
    return f"{method}-chain"


def line_name(level: float) -> str:
    """The row of the line to a level."""
    return f"line-{level_name(level)}"
