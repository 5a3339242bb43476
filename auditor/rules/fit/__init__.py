"""The model and the fit call."""
