"""Training loops, and the export of what they trained (PyTorch)."""
