"""What takes a photograph's quality away, one file each, behind one interface: step.py."""
