"""How a project comes to have a harness, and whether the one it has is strong: init and doctor."""
