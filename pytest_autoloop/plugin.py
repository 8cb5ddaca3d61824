"""The front door: options, ini keys and hooks; wires the rooms together."""

from __future__ import annotations
