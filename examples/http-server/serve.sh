#!/bin/sh
# Serves the folder `site` on $PORT. The exec keeps one process, so that the signal to stop reaches the server itself.
cd "$(dirname "$0")" || exit 1
exec python3 -m http.server "${PORT:-8000}" --bind 127.0.0.1 --directory site
