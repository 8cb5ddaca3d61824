"""Prints what a table of invented rates says."""
