#!/usr/bin/env bash
# Makes sure that the browser tests have a Chromium: Debian's package as root, else one that is found.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's chromium for the browser tests ..."
  apt-get update -qq && apt-get install -y -qq chromium >/dev/null && exit 0
fi
echo "No Chromium found: the browser tests will fail. Install it as root: apt-get install chromium" >&2
