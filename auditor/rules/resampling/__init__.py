"""Upsampled before the split."""
