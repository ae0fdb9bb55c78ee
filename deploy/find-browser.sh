#!/usr/bin/env bash
# Makes sure that the browser tests have a Chromium and what drives it: found ones, else Debian's packages as root.
set -euo pipefail

# Playwright's node is linked with libatomic, which a small installation lacks.
driven() { ldconfig -p 2>/dev/null | grep -q 'libatomic\.so\.1'; }

found() {
  for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

export PATH="$PATH:/usr/sbin:/sbin"
{ found && driven; } && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's Chromium for the browser tests ..."
  apt-get update -qq || true
  for package in chromium-headless-shell chromium; do  # older releases have only the whole browser
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" libatomic1 >/dev/null && exit 0
  done
fi
echo "No Chromium found, or no libatomic for its driver: the browser tests will fail. Install them as root: apt-get install chromium libatomic1" >&2
