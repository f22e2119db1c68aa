"""Losses that networks are trained for, one file each, behind one interface: loss.py."""
