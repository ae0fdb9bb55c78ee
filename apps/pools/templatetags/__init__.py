"""Template tags of the pools pages."""
