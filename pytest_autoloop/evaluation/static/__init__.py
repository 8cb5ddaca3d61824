"""What a candidate may do, read off its text: an allow-list relative to the baseline."""
