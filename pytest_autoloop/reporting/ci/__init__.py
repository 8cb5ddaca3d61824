"""What CI systems are told: a summary, annotations, properties of the test suite, a verdict."""
