"""How a candidate is run: child sessions, process control, what they report."""
