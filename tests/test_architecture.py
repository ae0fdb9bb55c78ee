"""The import contracts of pyproject.toml, which docs/architecture.md tells in prose."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_architecture_page_names_every_contract() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text()
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    missing = [contract["name"] for contract in contracts if contract["name"] not in page]
    assert contracts and not missing


def test_the_architecture_page_draws_the_floors_in_the_contracts_order() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text()
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = [re.split(r"\s*[:|]\s*", floor) for floor in contracts[0]["layers"]]
    places = [page.index(f"   {floor[0]}") for floor in floors[1:]]
    assert places == sorted(places)


def test_no_file_of_a_domain_app_is_called_utils() -> None:
    assert not list((PROJECT / "apps").rglob("utils.py"))
