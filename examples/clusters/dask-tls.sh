#!/bin/sh
# Make what a Dask cluster needs so that only your own processes may join: a key, a certificate
# signed by nobody else, and the setting that makes Dask use them.
#
#     sh examples/clusters/dask-tls.sh ~/.config/dask
#
# Dask reads ~/.config/dask on its own; name another directory in DASK_CONFIG. Copy the directory to
# every host over a channel that you trust. Whoever has autoloop-key.pem runs programs as you.
set -eu

place=${1:?name the directory, such as ~/.config/dask}
here=$(dirname "$0")
umask 077
mkdir -p "$place"
place=$(cd "$place" && pwd)

openssl req -x509 -newkey rsa:3072 -nodes -sha256 -days 365 -subj "/CN=pytest-autoloop" \
  -keyout "$place/autoloop-key.pem" -out "$place/autoloop-certificate.pem" 2>/dev/null
sed "s|DIRECTORY|$place|" "$here/dask-tls.yaml" > "$place/autoloop-tls.yaml"
echo "wrote $place/autoloop-tls.yaml and the two files that it names"
