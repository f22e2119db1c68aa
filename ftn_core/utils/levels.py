"""A level as a name."""


def level_name(level: float) -> str:
    """A level in the names of files, stages and records, as DVC writes a number of YAML: ``0.2`` and ``40``."""
    return repr(float(level)).removesuffix(".0")
