"""The references that our models are compared with load beside any build of PyTorch."""

import bench._references  # noqa: F401
