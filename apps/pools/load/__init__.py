"""How busy the pods of pools are, as their engines say: asked once per pod, kept for some minutes."""
