"""Statistics that rules share: a case or arrays in, plain numbers out.

A function that takes a `Case` first is a *product*: rules ask for it with `Context.shared`, which
computes it once per audit.
"""
