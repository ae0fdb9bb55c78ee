# The portal's one image; docker-compose.yml and deploy/ start every process from it by deploy/run.sh.
FROM node:22-bookworm-slim AS assets
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --loglevel=error

FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/base.txt /build/base.txt
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r /build/base.txt

FROM packages AS static
WORKDIR /app
COPY . .
COPY --from=assets /build/node_modules ./node_modules
# The settings insist on these; what stands here opens nothing and stays in this stage.
RUN PORTAL_SECRET_KEY=only-to-collect-the-static-files-0 PORTAL_ENCRYPTION_KEYS=only-to-collect-the-static-files-0 \
    PORTAL_DATABASE_URL=postgres://nobody@nowhere/none PORTAL_DATABASE_POOL=0 \
    /venv/bin/python manage.py collectstatic --no-input --verbosity 0

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin portal \
    && mkdir /data && chown portal:portal /data
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PORTAL_DATA_DIR=/data \
    PORTAL_ALIVE_FILE=/tmp/alive
WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
COPY --from=static /app/staticfiles ./staticfiles
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["deploy/run.sh"]
CMD ["web"]
