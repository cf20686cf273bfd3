#!/bin/sh
# @NAME@: a service. Call it: ostoja call @NAME@ hello '{"name": "Ada"}'
. "${0%/*}/ostoja.sh"

hello() {
  ostoja_json "$(ostoja_config greeting || echo hello) $(ostoja_get "$1" name || echo world)"
}

ostoja_serve @NAME@ hello hello
ostoja_run
