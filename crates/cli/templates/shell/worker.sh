#!/bin/sh
# @NAME@: a worker. Give it work: ostoja publish @NAME@.jobs '{"text": "a b c"}'
. "${0%/*}/ostoja.sh"

done_jobs=0

job() {
  done_jobs=$((done_jobs + 1))
  words=$(ostoja_get "$1" text | awk '{ words += NF } END { print words + 0 }')
  ostoja_publish @NAME@.done "{\"words\": $words, \"number\": $done_jobs}"
}
ostoja_on @NAME@.jobs job

count() { printf '%s' "$done_jobs"; }
ostoja_serve @NAME@ count count
ostoja_run
