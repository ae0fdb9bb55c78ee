"""Kubernetes quantities, as far as whole devices go."""


def whole(text: str) -> int:
    """A count such as `8` as a number; 0 for what is no whole number (devices cannot be split)."""
    try:
        return int(text)
    except ValueError:
        return 0
