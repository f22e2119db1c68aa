"""Names of levels."""


def level_name(level: float) -> str:
    """A level in names of files, stages and records, written as DVC writes numbers from YAML: ``0.2``, ``40``."""
    return repr(float(level)).removesuffix(".0")
