#!/bin/sh
# A worker without end that leaves in order when it is asked to.
round=0
leave() {
  # The pause must not outlive the worker.
  [ -z "$!" ] || kill "$!" 2>/dev/null
  echo "worker leaves after round $round"
  exit 0
}
trap leave TERM INT
echo "worker is up"
while :; do
  round=$((round + 1))
  echo "round $round"
  # In the background, because a shell runs its trap only between commands, and `wait` ends at once.
  sleep "${PAUSE_S:-5}" >/dev/null 2>&1 &
  wait "$!"
done
