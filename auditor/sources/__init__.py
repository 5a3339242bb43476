"""Kinds of input, one file each: whatever a user holds becomes NumPy arrays here."""
