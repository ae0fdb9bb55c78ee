"""Where a stack keeps its data."""

import stat
from pathlib import Path

import pytest

from hyperpod_site.stack.folder import UnsafeFolder, private, run_folder


def test_a_short_project_path_keeps_its_data_inside(tmp_path: Path) -> None:
    folder = run_folder(Path("/tmp") / tmp_path.name[:8] / "p")
    assert folder.name == ".run"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_long_project_path_gets_a_short_private_folder_behind_the_name(tmp_path: Path) -> None:
    project = tmp_path / ("deep" * 30)
    project.mkdir()
    folder = run_folder(project)
    assert len(str(folder)) < 60 and (project / ".run").resolve() == folder.resolve()
    assert run_folder(project) == folder
    folder.rmdir()


def test_a_folder_that_is_a_link_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "planted").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFolder):
        private(tmp_path / "planted")
