"""The board of a pool: a column per business, a card per pod, and moves of several cards at once."""
