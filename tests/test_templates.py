"""Every template compiles, says its words for translation, and keeps to the strict CSP."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
INLINE = re.compile(r"\sstyle=|\son[a-z]+=\"|<style|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_nothing_that_the_content_security_policy_refuses(name: str) -> None:
    assert not INLINE.search((TEMPLATES / name).read_text())


def test_the_pattern_would_find_an_offence() -> None:
    assert all(INLINE.search(text) for text in (' style="x"', ' onclick="x"', "<script>", "<style>"))
