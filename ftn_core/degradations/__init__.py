"""What takes a photograph's quality away, one file each, behind one interface: ``degradation.py``."""

from ftn_core.degradations.degradation import Degradation

__all__ = ["Degradation"]
