"""Account events (logins, passwords, tokens, admin edits) as audit entries, in the transaction of what
happened.
"""

from apps.accounts import events
from apps.accounts.events import AccountEvent
from apps.audit import context, registry
from apps.audit.entries import Draft, Target, write
from apps.audit.models import Outcome


def record(event: AccountEvent) -> None:
    """Write the entry of one account event."""
    draft = Draft(
        code=event.code,
        target=Target(kind=event.kind, name=event.name),
        before=dict(event.before),
        after=dict(event.after),
    )
    with context.bound(actor_id=event.actor_id, actor_name=event.actor_name):
        write(draft, Outcome(event.outcome), message=event.message)


def listen() -> None:
    """Register for account events and make their codes known."""
    events.on_event(record)
    for code, label in events.labels.items():
        registry.add(registry.Entry(code=code, label=label))
