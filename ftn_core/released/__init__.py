"""Models that exist already, by name."""
