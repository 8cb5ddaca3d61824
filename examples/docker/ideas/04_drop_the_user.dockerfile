FROM python:3.12.4-slim-bookworm

WORKDIR /srv
COPY . .
RUN python -m compileall -q app
CMD ["python", "-m", "app"]
