"""``ftn export``: writes a denoiser as one ONNX file."""
