#!/usr/bin/env bash
# Makes .venv with uv in it. $1: the Python to use (>= 3.11).
set -euo pipefail
python=${1:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "This needs Python 3.11 or newer; $python is older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
package=$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')
pip=(.venv/bin/python -m pip)
if ! "$python" -m venv .venv >/dev/null 2>&1; then
  rm -rf .venv
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's $package ..."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null
    "$python" -m venv .venv
  elif "$python" -m pip --version >/dev/null 2>&1; then # Debian's pip can fill a venv from outside
    "$python" -m venv --without-pip .venv
    pip=("$python" -m pip --python .venv/bin/python)
  else
    echo "Python's venv module is missing. Install it first: apt-get install $package" >&2; exit 1
  fi
fi
"${pip[@]}" install -q --disable-pip-version-check -r requirements/uv.txt --require-hashes
