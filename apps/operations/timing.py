"""The engine's few constants of time, all in seconds."""

from django.conf import settings

# A worker that gave no sign for so long is taken for dead.
LEASE: float = settings.OPERATIONS_LEASE
RENEW = LEASE / 3
FLUSH = 0.3  # lines wait at most so long before they are written
BATCH = 500  # lines in one write at most
RESEND_FIRST = 10.0  # a message that no worker took for so long may be lost ...
RESEND_FEW = 3  # ... but after so many messages the workers are rather busy, and it is sent again only after
RESEND_MOST = 60.0
EARLY = 0.5  # a message may come this much before `next_look_at`: clocks of two hosts differ
MOST_DEATHS = 3  # workers that may die over one step before the operation is given up
