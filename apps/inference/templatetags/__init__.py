"""What the templates of inference ask."""
