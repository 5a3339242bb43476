"""The preprocessing callables."""
