"""Versions, aliases and promotions as MLflow keeps them; and the way to MLflow, which ``tasks`` shares."""
