"""What is wrong with typed JSON, and where: the line and the column that an editor shows."""

import json
from typing import Any

from django.utils.translation import gettext as _

DEEPEST = 100


def json_problem(text: str) -> str:
    """Say why `text` is not JSON, with line and column; "" when it is."""
    try:
        value = json.loads(text, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        return _("Line %(line)d, column %(column)d: %(why)s.") % {
            "line": error.lineno,
            "column": error.colno,
            "why": error.msg,
        }
    except RecursionError:
        return _("That is nested too deeply.")
    except ValueError as error:
        return str(error)
    return "" if depth(value) <= DEEPEST else _("That is nested too deeply.")


def refuse_constant(name: str) -> Any:
    """Python would take NaN and Infinity, which are not JSON."""
    raise ValueError(_("%(name)s is not JSON; write a number or null.") % {"name": name})


def depth(value: Any) -> int:
    """How deep lists and objects stand in each other; walked level by level."""
    level, deep = [value], 0
    while level and deep <= DEEPEST:
        deep += 1
        level = [inner for outer in level for inner in children(outer)]
    return deep


def children(value: Any) -> list[Any]:
    """What stands in a list or an object."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
