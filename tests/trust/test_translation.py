"""Every word on screen can be translated: what templates, forms and refusals say goes through gettext."""

import ast
import re
from collections.abc import Iterator, Set
from html.parser import HTMLParser
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
MODULES = [
    path
    for folder in ("apps", "hyperpod_site")
    for path in sorted((PROJECT / folder).rglob("*.py"))
    # Gateways know no Django; migrations and commands speak to whoever runs the portal.
    if not {"gateways", "migrations", "management", "stack"} & set(path.parts)
]
SPOKEN = {"title", "placeholder", "aria-label", "aria-description", "aria-roledescription", "alt", "label"}
UNTRANSLATABLE = {"HyperPod", "Portal", "CSV", "YAML", "JSON", "UTC", "GET", "POST", "Esc", "ms"}
WORD = re.compile(r"[A-Za-z]{2,}")
MARKED = re.compile(r"{%\s*(comment|blocktranslate)\b.*?{%\s*end\1\s*%}", re.DOTALL)
DJANGO = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
TOLD = {"label", "help_text", "verbose_name", "verbose_name_plural", "empty_label", "words"}
TELLING = {"ValidationError", "Http404", "PermissionDenied", "Problem", "toast", "success"}


def refusals() -> set[str]:
    """Our exceptions whose words become an answer: those with a `problem_status`, and what comes of them."""
    trees = [ast.parse(path.read_text()) for path in MODULES]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = {node.name for node in classes if "problem_status" in ast.dump(node)}
    while more := {node.name for node in classes if found & set(map(ast.unparse, node.bases))} - found:
        found |= more
    return found


class Words(HTMLParser):
    """What a page says by itself, in text and in the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "code", "pre")
        said = [value or "" for name, value in attrs if name in SPOKEN or name.startswith("data-word")]
        self.said += [] if tag == "meta" else said

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "code", "pre")

    def handle_data(self, data: str) -> None:
        self.said += [] if self.silent else [data]


def unmarked(template: str) -> list[str]:
    """The words that stand in a template as they are."""
    words = Words()
    words.feed(DJANGO.sub(" ", MARKED.sub(" ", template)))
    said = [" ".join(text.split()) for text in words.said]
    return [text for text in said if not set(WORD.findall(text)) <= UNTRANSLATABLE]


def spoken_literals(source: str, telling: Set[str] = TELLING) -> Iterator[str]:
    """Plain text where labels, help and refusals stand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            told = [keyword.value for keyword in node.keywords if keyword.arg in TOLD]
            told += node.args if name in telling else []
            yield from filter(lambda text: " " in text or text.istitle(), map(literal, told))


def literal(node: ast.expr) -> str:
    """The words of a text; "" for everything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(literal(part) for part in parts)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_template_says_nothing_that_is_not_marked(path: Path) -> None:
    assert unmarked(path.read_text()) == []


def test_forms_and_refusals_say_nothing_that_is_not_marked() -> None:
    telling = TELLING | refusals()
    said = {str(path): list(spoken_literals(path.read_text(), telling)) for path in MODULES}
    assert {path: texts for path, texts in said.items() if texts} == {}
    assert len(MODULES) > 100 and {"NoSeat", "UnknownPool", "Lent"} <= telling


def test_the_check_would_see_unmarked_words() -> None:
    assert unmarked("<p>Hello {{ name }}</p>") == ["Hello"]
    assert unmarked('<button title="Delete it">{% translate "Delete" %}</button>') == ["Delete it"]
    assert list(spoken_literals('raise ValidationError(f"Not {this} one")')) == ["Not  one"]
    assert list(spoken_literals('forms.CharField(label="Name")')) == ["Name"]
    assert list(spoken_literals('forms.CharField(label=_("Name"))')) == []
