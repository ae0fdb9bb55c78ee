"""The registry of clusters, the connections to them, and their nodes."""
