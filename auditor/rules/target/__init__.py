"""The target in the features."""
