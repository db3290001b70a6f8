# sayagain with its command as entry point. Logs and the home are mounted:
#   docker run --rm -v "$PWD/logs:/logs:ro" -v "$PWD/home:/home/sayagain/home" sayagain run /logs --home /home/sayagain/home
FROM python:3.11-slim-bookworm

# Spark needs Java 17 with jdk.incubator.vector; Debian's has it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 sayagain

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY flows ./flows
COPY mining ./mining
COPY aggregation ./aggregation
COPY retrain ./retrain
COPY warehouse ./warehouse

# PyTorch first, in the pinned version: asked for later, pip may take another build of it. Where the default index brings CUDA
# along and none is wanted, PIP_INDEX_URL names one of CPU builds for this line.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir -c constraints.txt torch \
    && pip install --no-cache-dir -c constraints.txt '.[cpu]'

USER 1000
WORKDIR /home/sayagain
ENTRYPOINT ["sayagain"]
CMD ["--help"]
