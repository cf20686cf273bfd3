#!/bin/sh
# A module in plain sh that speaks the protocol with the help of ostoja.sh: it tells facts about the machine.
. "${0%/*}/ostoja.sh"

# The load of the last minute, as a number.
load() {
  read -r now rest </proc/loadavg || { echo "there is no /proc here"; return 1; }
  printf '%s' "$now"
}

# Seconds since the machine started, or since a moment: {"since": seconds}.
uptime() {
  read -r now rest </proc/uptime || { echo "there is no /proc here"; return 1; }
  since=$(ostoja_get "$1" since) || since=0
  case $since in '' | *[!0-9]*) echo "since is no whole number"; return 1 ;; esac
  printf '%s' "$((${now%.*} - since))"
}

# Anything said as text, with the greeting of the configuration.
echo_back() {
  ostoja_json "$(ostoja_config greeting || echo "you said"): $(ostoja_get "$1" text || echo nothing)"
}

ostoja_serve facts load load
ostoja_serve facts uptime uptime
ostoja_serve facts echo echo_back

added() { ostoja_log info "there is more to do" "$1"; }
ostoja_on todo.added added

ostoja_run
