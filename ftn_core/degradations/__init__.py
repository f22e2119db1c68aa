"""Degradations of photographs, one file each, behind one interface: step.py."""
