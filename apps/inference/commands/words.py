"""A command line as a shell would split it, without a shell: what only a shell can do is refused in words."""

import re

from django.utils.translation import gettext as _

LONGEST = 16_000

_TOKEN = re.compile(
    r"""(?P<continued>\\[ \t]*\n[ \t]*)
      | (?P<newline>[ \t]*\n\s*)
      | (?P<space>[ \t]+)
      | (?P<single>'[^']*')
      | (?P<double>"(?:[^"\\]|\\.)*")
      | (?P<escape>\\.)
      | (?P<plain>[^\s'"\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_OPERATOR = re.compile(r"&&|\|\||>>|<<|[|&;<>()]")
_EXPANSION = re.compile(r"\$|`")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TYPOGRAPHIC = {
    "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": "--", "\u00a0": " ",
}  # fmt: skip
_PROMPT = re.compile(r"\A(?:\s*#[^\n]*\n)*\s*(?:\$ )?")


class CommandError(ValueError):
    """The command cannot be used; the message is for people and stands beside the field."""


def split(text: str) -> list[str]:
    """The words of `text` as POSIX shells split them; quotes, escapes and line continuations are honoured.

    Raises CommandError for what a container cannot do without a shell (pipes, redirections, `$VAR`, several
    commands), for unbalanced quotes, and for characters that a word processor has changed.
    """
    words: list[str] = []
    open_word = False
    for kind, part in _parts(_clean(text)):
        if kind in ("space", "newline", "continued"):
            open_word = False
        elif open_word:
            words[-1] += part
        else:
            words.append(part)
            open_word = True
    return words


def _clean(text: str) -> str:
    """One newline style, no leading comments or prompt; refuses what cannot be typed in a command."""
    if len(text) > LONGEST:
        raise CommandError(_("The command is longer than %(most)d characters.") % {"most": LONGEST})
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _PROMPT.sub("", text, count=1).strip()
    if _CONTROL.search(text):
        raise CommandError(_("The command has characters that cannot be printed; paste it as plain text."))
    for wrong, right in _TYPOGRAPHIC.items():
        if wrong in text:
            raise CommandError(
                _("The command has the typographic “%(wrong)s” where %(right)s was meant; type it again.")
                % {"wrong": wrong, "right": repr(right)}
            )
    if not text:
        raise CommandError(_("Type the command that starts the model server."))
    return text


def _parts(text: str) -> list[tuple[str, str]]:
    """(kind, value) of each lexical part; values are without their quotes."""
    parts: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise CommandError(_unbalanced(text[position]))
        kind = str(found.lastgroup)
        at_word_start = not parts or parts[-1][0] in ("space", "newline", "continued")
        parts.append((kind, _value(kind, found.group(), text[found.end() :], at_word_start)))
        position = found.end()
    return parts


def _unbalanced(character: str) -> str:
    if character == "\\":
        return _("The command ends with a backslash.")
    return _("The quote %(quote)s is never closed.") % {"quote": character}


def _value(kind: str, raw: str, rest: str, at_word_start: bool) -> str:
    if kind == "newline" and not rest.startswith("-"):
        raise CommandError(
            _("These are several commands; give one. A line that goes on ends with a backslash (\\).")
        )
    if kind == "single":
        return raw[1:-1]
    if kind == "double":
        return _double_quoted(raw[1:-1])
    if kind == "escape":
        return raw[1]
    if kind == "plain":
        _refuse_shell(raw, at_word_start)
    return raw


def _double_quoted(inner: str) -> str:
    if _EXPANSION.search(re.sub(r"\\.", "", inner, flags=re.DOTALL)):
        raise CommandError(_no_expansion())
    return re.sub(r'\\(["\\$`])|\\\n', lambda found: found.group(1) or "", inner)


def _refuse_shell(raw: str, at_word_start: bool) -> None:
    """Refuse what an unquoted part would mean to a shell and cannot mean to a container."""
    operator = _OPERATOR.search(raw)
    if operator:
        raise CommandError(
            _("“%(operator)s” needs a shell, which containers lack. Give only the engine's own command.")
            % {"operator": operator.group()}
        )
    if _EXPANSION.search(raw):
        raise CommandError(_no_expansion())
    if "{" in raw:
        raise CommandError(_("Put JSON values in single quotes, like '{\"key\": 1}'."))
    if at_word_start and raw.startswith("~"):
        raise CommandError(_("“~” is not expanded in a container; write the whole path."))
    if at_word_start and raw.startswith("#"):
        raise CommandError(_("Remove the comment that begins with “#”."))


def _no_expansion() -> str:
    return _("Variables and $(...) are not expanded in a container; write the value itself.")
