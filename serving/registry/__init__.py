"""Versions, their aliases and the record of promotions, as MLflow keeps them; and the way to MLflow, which ``tasks`` shares."""
