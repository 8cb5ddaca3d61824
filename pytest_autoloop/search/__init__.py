"""Which commit the next proposal starts from: one Protocol, one module per strategy."""
