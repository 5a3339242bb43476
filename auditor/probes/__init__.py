"""Metamorphic relations run on a user's callables: what to change, and what must follow."""
