"""Formats of a report, one file each. A renderer never computes."""
