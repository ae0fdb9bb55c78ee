"""Where a stack keeps its data: `.run/`, or behind that name a short private folder in the temp folder.

Unix sockets allow about 107 bytes of path, so a deep checkout needs the short folder.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

SOCKET_PATH_LIMIT = 90


class UnsafeFolder(RuntimeError):
    """The folder exists but is not ours alone."""


def run_folder(project: Path, name: str = ".run") -> Path:
    """The folder for a stack's data, made when missing, private to this user."""
    wanted = project / name
    if wanted.is_symlink() or len(str(wanted)) > SOCKET_PATH_LIMIT - len("/postgres/.s.PGSQL.5432"):
        return short_folder(wanted)
    return private(wanted)


def short_folder(wanted: Path) -> Path:
    """A folder in the temp folder whose name is derived from `wanted`, with `wanted` pointing to it."""
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:10]
    folder = private(Path(tempfile.gettempdir()) / f"portal-{os.getuid()}-{digest}")
    if wanted.is_symlink() and wanted.readlink() != folder:
        wanted.unlink()
    if not wanted.exists():
        wanted.symlink_to(folder, target_is_directory=True)
    return folder


def private(folder: Path) -> Path:
    """Make `folder` with mode 0700, and refuse one that somebody else owns or can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid():
        raise UnsafeFolder(f"{folder} belongs to somebody else; remove it or set TMPDIR")
    folder.chmod(0o700)
    return folder
