FROM python:3.12.4-slim-bookworm

RUN useradd --create-home reader
WORKDIR /srv
COPY . .
RUN python -m compileall -q app
USER reader
CMD ["python", "-m", "app"]
