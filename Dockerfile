# The program as an image: one user without rights, and a root file system that may be read-only.
# docs/guide/operator/run-in-a-container.md says how to build and run it, and what was not tried.
FROM python:3.11-slim AS build
# LightGBM needs OpenMP, and shrink.sh the tool strip; both in the version of this Debian release
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils libgomp1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY requirements.lock requirements-connections.lock ./
RUN python -m venv /opt/dispute-risk \
    && /opt/dispute-risk/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --no-deps \
        --require-hashes --requirement requirements.lock --requirement requirements-connections.lock
COPY pyproject.toml README.md LICENSE dispute_risk.py ./
COPY features features
COPY models models
COPY pipeline pipeline
RUN /opt/dispute-risk/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --no-deps .

# without what no step reads; then the steps are tried, and the build ends if one fails
FROM build AS build-program
COPY docker docker
RUN docker/shrink.sh /opt/dispute-risk && docker/try-steps.sh /opt/dispute-risk

# the team's MLflow server, which needs the whole of MLflow
FROM build AS build-models
COPY requirements-mlflow-ui.lock ./
RUN /opt/dispute-risk/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --no-deps \
        --require-hashes --requirement requirements-mlflow-ui.lock

FROM python:3.11-slim AS models
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp seller \
    && install -d -o seller -g seller -m 0750 /data
COPY --from=build-models /opt/dispute-risk /opt/dispute-risk
ENV PATH=/opt/dispute-risk/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 5000
ENTRYPOINT ["mlflow"]
CMD ["server", "--help"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:5000/health', timeout=4)"]

FROM python:3.11-slim AS program
# LightGBM needs OpenMP, in the version of this Debian release
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp seller \
    && install -d -o seller -g seller -m 0750 /data
COPY --from=build-program /opt/dispute-risk /opt/dispute-risk
COPY docker/nightly.sh docker/board-answers.py /opt/dispute-risk/bin/
# with a read-only root, only /data and /tmp are writable
ENV PATH=/opt/dispute-risk/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8321
# the first process of a container ignores SIGTERM; Python and nightly.sh end at SIGINT
STOPSIGNAL SIGINT
ENTRYPOINT ["dispute-risk"]
CMD ["--help"]
# for the board; compose.yaml switches it off where no board runs
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "/opt/dispute-risk/bin/board-answers.py"]
