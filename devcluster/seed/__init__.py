"""The state a fresh development cluster begins with."""
