"""Measurements: they print tables and fail nothing. `make bench`, `make bench only=NAME`."""
