"""Who suggests the next candidate: one Protocol, one module per proposer."""
