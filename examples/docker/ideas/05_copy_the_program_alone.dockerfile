FROM python:3.12.4-slim-bookworm

WORKDIR /srv
COPY app app
RUN python -m compileall -q app
RUN useradd --create-home reader

USER reader
CMD ["python", "-m", "app"]
