"""The typed model of ``params.yaml``: what may be set, in which range, and what each key means; one file a section.

``params.yaml`` holds every value; nothing has a default here, so there is one place to look.
"""

from ftn_core.parameters.load import load_parameters, parse_parameters
from ftn_core.parameters.parameters import Parameters

__all__ = ["Parameters", "load_parameters", "parse_parameters"]
