#!/usr/bin/env bash
# Installs the front-end packages that package-lock.json pins (--omit=dev: without the tests' own);
# takes Node from PyPI where the machine has none.
set -euo pipefail
if ! command -v npm >/dev/null; then
  .venv/bin/uv pip install -q --python .venv/bin/python -r requirements/node.txt --require-hashes
  PATH="$PWD/.venv/bin:$PATH"
fi
npm ci --ignore-scripts --loglevel=error --no-update-notifier "$@"
