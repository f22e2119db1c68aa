"""Code that is stored with a registered model, and answers requests."""
