"""Who did what, when, why and with what outcome: written by the system itself, kept for ever.

`actions.action` wraps every write; `context` says on whose behalf code runs; `entries.on_entry` tells who
wants to know.
"""
