"""What a user does with a trained model: restore files, drag the dial on a page, manage versions."""
