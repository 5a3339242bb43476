"""The same sample on both sides."""
