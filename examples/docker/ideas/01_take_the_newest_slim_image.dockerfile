FROM python:slim

WORKDIR /srv
RUN apt-get update
RUN apt-get install --yes build-essential
COPY . .
RUN python -m compileall -q app
RUN useradd --create-home reader

USER reader
CMD ["python", "-m", "app"]
