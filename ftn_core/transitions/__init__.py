"""Methods, one file each. A file's name is the method's name; denoiser/transition.py builds the file's one class."""
