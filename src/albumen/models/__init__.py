"""How modern vision works, as short, exact, trainable code: it needs PyTorch and nothing else."""
