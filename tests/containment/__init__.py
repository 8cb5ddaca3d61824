"""Tests of what contained code can and cannot do: real processes, refused by the real kernel."""
