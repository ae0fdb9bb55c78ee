"""How many calls of models may run at once: for one person, and in one web process.

A call holds a seat from before the model is asked until the connection to it is closed, so nobody's loop of
requests takes the model away from everybody else, and a thread is always left to close what is abandoned.
"""

import threading
from collections import Counter

from django.utils.translation import gettext as _


class NoSeat(Exception):
    """Too many calls run already; the message says whose."""

    problem_status = 429
    problem_code = "too_many_calls"
    retry_after = 2.0


class Seats:
    """`most` calls in all, `most_each` for one person. Safe to use from any thread."""

    def __init__(self, *, most: int, most_each: int) -> None:
        self.most, self.most_each = most, most_each
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()

    def take(self, person: int) -> "Seat":
        """A seat for one call of that person. Raises NoSeat."""
        with self._lock:
            if self._taken[person] >= self.most_each:
                raise NoSeat(
                    _("You have %(count)d model calls running; wait for one, or stop one.")
                    % {"count": self._taken[person]}
                )
            if self._taken.total() >= self.most:
                raise NoSeat(_("Too many model calls are running here; try again in a moment."))
            self._taken[person] += 1
        return Seat(self, person)

    def taken(self) -> int:
        """How many calls run now."""
        with self._lock:
            return self._taken.total()

    def _give_back(self, person: int) -> None:
        with self._lock:
            self._taken[person] -= 1
            if not self._taken[person]:
                del self._taken[person]


class Seat:
    """One call's seat; `leave()` may be said more than once and from any thread."""

    def __init__(self, seats: Seats, person: int) -> None:
        self._seats = seats
        self._person = person
        self._lock = threading.Lock()
        self._left = False

    def leave(self) -> None:
        """The call is over."""
        with self._lock:
            left, self._left = self._left, True
        if not left:
            self._seats._give_back(self._person)
