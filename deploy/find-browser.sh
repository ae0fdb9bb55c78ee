#!/usr/bin/env bash
# Makes sure that the browser tests have a Chromium: a found one, else Debian's package as root.
set -euo pipefail
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's Chromium for the browser tests ..."
  apt-get update -qq || true
  for package in chromium-headless-shell chromium; do  # older releases have only the whole browser
    apt-get install -y -qq "$package" >/dev/null && exit 0
  done
fi
echo "No Chromium found: the browser tests will fail. Install it as root: apt-get install chromium" >&2
