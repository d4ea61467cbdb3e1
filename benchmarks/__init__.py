"""Measurements whose figures the book shows; each script says how to run it."""
