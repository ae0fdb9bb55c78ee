"""A change of hands: decide and write the intent, patch the pod, settle, follow the endpoints
(docs/pools.md).
"""
