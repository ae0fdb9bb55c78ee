"""What each business of a pool is entitled to, and how the portal keeps it so."""
