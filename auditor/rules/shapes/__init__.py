"""Shapes, types, values."""
