#!/bin/sh
# Works for $FAIL_AFTER_S seconds, then fails as programs do: some last words on stderr, and a code that is not 0.
echo "working"
sleep "${FAIL_AFTER_S:-2}"
echo "cannot open database: no such file" >&2
exit 3
