#!/usr/bin/env bash
# Makes sure that the test of docker-compose.yml has a docker-compose: Debian's package as root, else what is found.
set -euo pipefail
command -v docker-compose >/dev/null && exit 0
docker compose version >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's docker-compose for the test of docker-compose.yml ..."
  apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-compose >/dev/null && exit 0
fi
echo "No docker-compose found: its test will be skipped. Install it as root: apt-get install docker-compose" >&2
