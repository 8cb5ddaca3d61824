"""What judges a candidate: decorators, the registry of what they mark, the manifest."""
