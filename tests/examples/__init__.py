"""One file per example: the command that its documentation names, run for real."""
