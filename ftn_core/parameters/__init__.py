"""The schema of ``params.yaml``, one file for each section: keys, types, ranges, and what each key means.

``params.yaml`` holds every value. The schema has no defaults, so that values are in one place only.
"""

from ftn_core.parameters.load import load_parameters, parse_parameters, parse_text
from ftn_core.parameters.parameters import Parameters

__all__ = ["Parameters", "load_parameters", "parse_parameters", "parse_text"]
