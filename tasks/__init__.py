"""One file a DVC stage: read declared inputs, call ftn_core, write declared outputs, track in MLflow."""
