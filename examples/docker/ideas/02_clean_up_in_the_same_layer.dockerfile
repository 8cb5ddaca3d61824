FROM python:3.12.4-bookworm

WORKDIR /srv
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN python -m compileall -q app
RUN useradd --create-home reader

USER reader
CMD ["python", "-m", "app"]
