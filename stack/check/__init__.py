"""Whether the configured services work: ``python -m stack.check``."""
