"""Splits that are not one population."""
