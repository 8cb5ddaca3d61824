"""The screen: what can be said about a candidate from its text alone."""
