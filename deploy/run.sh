#!/bin/sh
# Starts one of the portal's processes in the foreground: what image, compose file and Kubernetes all call.
set -eu
worker() { # a worker's fork would break a pool of connections
  export PORTAL_DATABASE_POOL=0
  exec python -m celery --quiet -A hyperpod_site --skip-checks worker --loglevel=WARNING --pool=prefork \
    --without-gossip --without-mingle --queues="$1" --concurrency="${PORTAL_CONCURRENCY:-2}" --hostname="$1@%h"
}
case "${1:-}" in
  web) # behind a proxy that speaks TLS; open sockets and streams get PORTAL_GRACE seconds after SIGTERM
    exec python -m uvicorn hyperpod_site.asgi:application --host "${PORTAL_HOST:-0.0.0.0}" \
      --port "${PORTAL_PORT:-8000}" --no-access-log --no-server-header --log-level warning \
      --ws-per-message-deflate false --timeout-graceful-shutdown "${PORTAL_GRACE:-20}" ;;
  quick | long) worker "$1" ;;
  beat)
    export PORTAL_DATABASE_POOL=0
    exec python -m celery --quiet -A hyperpod_site --skip-checks beat --loglevel=WARNING --pidfile= ;;
  watcher) exec python manage.py watch ;;
  migrate)
    export PORTAL_DATABASE_POOL=0
    exec python manage.py migrate --no-input ;;
  alive) # whether worker, beat or watcher gave a sign of life within the last minute
    test -n "$(find "${PORTAL_ALIVE_FILE:?}" -mmin -1 2>/dev/null)" ;;
  *)
    echo "usage: deploy/run.sh web|quick|long|beat|watcher|migrate|alive" >&2
    exit 64 ;;
esac
