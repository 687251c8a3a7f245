# tsmu in a container, for processors alone or for NVIDIA GPUs:
#
#     docker build --target cpu -t tsmu:cpu .
#     docker build --target cuda -t tsmu:cuda .
#     docker run --rm -v "$PWD:/data" tsmu:cpu map post.tif --workspace survey
#     docker run --rm --gpus all -v "$PWD:/data" tsmu:cuda update oregon --workspace survey
#
# Versions of all packages are those of requirements.lock, with which tsmu was tested. For a GPU the host needs NVIDIA's
# driver and container toolkit; CUDA itself comes with PyTorch's packages.

FROM python:3.12-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /source
COPY pyproject.toml hatch_build.py README.md LICENSE CHANGELOG.md ./
COPY web web
COPY src src
RUN uv build --wheel --out-dir /dist

FROM python:3.12-slim AS base
# rasterio's GDAL takes expat from the system.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir uv==0.13.8 \
    && useradd --create-home --uid 1000 tsmu
COPY requirements.lock /tmp/requirements.lock
COPY --from=build /dist /tmp/dist
# Byte code is compiled below, because the user of the container cannot write it: without it each start takes three times
# as long.
WORKDIR /data
EXPOSE 8000
ENTRYPOINT ["tsmu"]
CMD ["--help"]

FROM base AS cuda
RUN uv pip install --system --no-cache --compile-bytecode --constraint /tmp/requirements.lock /tmp/dist/*.whl
USER 1000

FROM base AS cpu
RUN uv pip install --system --no-cache --compile-bytecode --torch-backend cpu --constraint /tmp/requirements.lock /tmp/dist/*.whl
USER 1000
