"""Groups and time."""
