# One node of the service. It holds no state: PostgreSQL and Redis are others' (compose.yaml).
FROM python:3.12-slim

RUN useradd --system --create-home backroom
WORKDIR /srv/backroom

# The packages first, checked by hash: they change less often than the code.
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock

COPY pyproject.toml README.md ./
COPY app app
COPY floorplan floorplan
COPY scanners scanners
COPY static static
RUN pip install --no-cache-dir --no-deps --no-index --no-build-isolation --editable . \
 && mkdir /data && chown backroom /data

USER backroom
ENV HOST=0.0.0.0 BACKROOM_DATA=/data
VOLUME /data
EXPOSE 8000
# Screens are told when to come back, and requests in flight end: 10 s at most.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["python", "-c", \
  "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
CMD ["backroom", "serve"]
