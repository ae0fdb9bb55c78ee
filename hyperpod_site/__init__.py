"""The composition root: knows every app, is known by none."""
