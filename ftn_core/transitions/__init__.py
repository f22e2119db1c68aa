"""Methods, one file each: its name is the method's, and its one class is built by denoiser/transition.py."""
