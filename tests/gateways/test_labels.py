"""Label words and values: what Kubernetes takes, what the portal reserves."""

import pytest

from apps.gateways import labels


@pytest.mark.parametrize("value", ["", "a", "production", "A.b_c-9", "x" * 63, "1"])
def test_valid_label_values(value: str) -> None:
    assert labels.valid_label_value(value)
    assert labels.check_label_value(value) == value


@pytest.mark.parametrize(
    "value", ["x" * 64, "-a", "a-", ".", "_", "a b", "ä", "a/b", "a\n", "$(id)", "<b>", "a,b=c"]
)
def test_invalid_label_values(value: str) -> None:
    assert not labels.valid_label_value(value)
    with pytest.raises(ValueError, match=r"characters|letters"):
        labels.check_label_value(value)


@pytest.mark.parametrize(
    "word", ["unassigned", "draining", "retiring", "Unassigned", " retiring ", "DRAINING"]
)
def test_reserved_words_are_no_business(word: str) -> None:
    assert labels.is_reserved(word)
    assert labels.business_problem(word)


def test_a_business_needs_a_name_that_is_a_label() -> None:
    assert labels.business_problem("")
    assert labels.business_problem("no blanks please")
    assert not labels.business_problem("production")


@pytest.mark.parametrize("name", ["", "A", "-a", "a.b", "x" * 64, "a_b", "ü", "a\n"])
def test_names_that_kubernetes_refuses(name: str) -> None:
    assert labels.name_problem(name)


def test_a_selector_takes_no_value_that_would_add_to_it() -> None:
    assert labels.selector({labels.MODEL: "m", labels.BUSINESS: "b"}) == "model=m,business=b"
    with pytest.raises(ValueError, match="letters"):
        labels.selector({labels.MODEL: "m,business=production"})


def test_every_key_in_a_template_is_a_known_one() -> None:
    used = labels.in_templates()
    assert len(used) >= 4
    assert set().union(*used.values()) <= labels.LABEL_KEYS | labels.SELECTED_KEYS
    assert labels.BUSINESS in used["business_service.yaml"]


def test_templates_name_labels_by_their_constant() -> None:
    """So a change of a key in labels.py changes the templates: no key is written out in them."""
    for path in labels.TEMPLATES.glob("*.yaml"):
        keys = [line.strip().partition(":")[0] for line in path.read_text().partition("---")[2].splitlines()]
        assert not (labels.LABEL_KEYS | labels.ANNOTATION_KEYS) & set(keys), path.name
