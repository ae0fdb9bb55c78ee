"""Plain functions that make one object each."""

from apps.accounts.models import Grant, Role, User

PASSWORD = "correct horse battery"  # test people's password


def make_user(name: str, role: Role | None = None, *, superuser: bool = False) -> User:
    user = User.objects.create_user(
        username=name, password=PASSWORD, is_superuser=superuser, is_staff=superuser
    )
    if role:
        Grant.objects.create(user=user, role=role)
    return user
