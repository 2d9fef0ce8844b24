"""The models, in PyTorch alone."""
