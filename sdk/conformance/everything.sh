# One module that offers what `test_door.py` asks of the helper for sh; the rest is beyond it.
# shellcheck shell=sh
printf 'printed before run'
. "${0%/*}/../shell/ostoja.sh"

same() { printf '%s' "$1"; }
fail() { echo "bad luck"; return 1; }
odd() { echo "{not json"; }
big() { ostoja_json "$(head -c 2097152 /dev/zero | tr '\0' x)"; }
refuse() { echo "not today"; return 1; }
pretty() { printf '{\n  "a": 1\n}\n'; }
quoted() { ostoja_json "$(ostoja_get "$1" text)"; }
ostoja_serve echo same same
ostoja_serve echo fail fail
ostoja_serve echo refuse refuse
ostoja_serve echo odd odd
ostoja_serve echo big big
ostoja_serve echo pretty pretty
ostoja_serve echo quoted quoted

relay() {
  relay_given=$(ostoja_get "$1" given) || relay_given=''
  if relay_result=$(ostoja_call "$(ostoja_get "$1" service)" "$(ostoja_get "$1" method)" "$relay_given"); then
    printf '%s' "$relay_result"
  else
    printf '{"error":%s}' "$(ostoja_json "$relay_result")"
  fi
}
relay_kernel() { ostoja_kernel "$(ostoja_get "$1" method)" "$(ostoja_get "$1" given)"; }
relay_secret() { ostoja_secret "$(ostoja_get "$1" name)"; }
relay_context() {
  ostoja_context set "$(ostoja_get "$1" key)" "$(ostoja_get "$1" value)" >&2 && ostoja_context get "$(ostoja_get "$1" key)"
}
ostoja_serve relay call relay
ostoja_serve relay kernel relay_kernel
ostoja_serve relay secret relay_secret
ostoja_serve relay context relay_context

config_read() {
  if ! ostoja_get "$1" key >&2; then printf '%s' "$ostoja_section"
  elif config_value=$(ostoja_config "$(ostoja_get "$1" key)"); then ostoja_json "$config_value"
  else ostoja_json none; fi
}
ostoja_serve config read config_read

logs() { ostoja_log info plain; ostoja_log warn careful '{"n":1}'; }
publishes() { ostoja_publish "$(ostoja_get "$1" topic)" '{"n": 1}'; }
children() { sh -c 'echo from a child; echo from a library' >&2; }
ostoja_serve out logs logs
ostoja_serve out publish publishes
ostoja_serve out children children

news() {
  ostoja_log info news "$1"
  [ "$1" != '"fail"' ]
}
ostoja_on news news

on_install() { ostoja_log info "hook install"; }
on_init() {
  ostoja_log info "hook init" "$ostoja_section"
  [ "$(ostoja_config fail)" != true ]
}
on_ready() { ostoja_log info "hook ready"; }
on_config() { ostoja_log info "hook config" "$ostoja_section"; }
on_service_available() { ostoja_log info "hook service" "$(ostoja_json "$1")"; }
on_shutdown() { ostoja_log info "hook shutdown"; }
save_state() { echo '{"kept":1}'; }
restore_state() {
  [ "$2" != bad ] || return 1
  ostoja_log info "hook restore" "$1"
}

ostoja_run
