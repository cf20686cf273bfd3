# shellcheck shell=sh
# Write a module for the Ostoja kernel in plain sh: dash, bash, busybox. It needs awk and sed, and no jq.
#
#     . ./ostoja.sh
#     hello() { ostoja_json "hello $(ostoja_get "$1" name || echo world)"; }
#     ostoja_serve greeter hello hello
#     ostoja_run
#
# A handler is a function. It gets JSON as its first argument; what it prints is its result, as JSON; when it fails,
# what it printed is the error that the caller gets. Everything happens one after another, so a handler that takes
# longer than the kernel waits for a pong (10 s) makes the module look hung. The pieces of a streamed result, progress,
# cancel, deadlines and traces are beyond this file: do not list them in `features`, and they never come.
#
# The names of this file begin with `ostoja_`. Descriptor 3 is the kernel's: leave it alone.

# Texts of one line each, since sh has no lists: `service method handler` and `topic handler`.
ostoja_services=''
ostoja_topics=''
ostoja_section='{}'
ostoja_last_id=0
ostoja_line_max=1048576 # characters: the kernel drops lines of more bytes
ostoja_newline='
'

# --- JSON, as far as it is needed ---

# The scanner behind ostoja_get and ostoja_check. It reads one value and, with a path, looks for a part of it.
# shellcheck disable=SC2016 # It is awk's text, not the shell's.
ostoja_awk='
function fail() { exit 2 }
function blank() { while (at <= size && index(" \t\r\n", substr(text, at, 1))) at++ }
function utf8(code) {
  if (code < 128) return sprintf("%c", code)
  if (code < 2048) return sprintf("%c%c", 192 + int(code / 64), 128 + code % 64)
  if (code < 65536) return sprintf("%c%c%c", 224 + int(code / 4096), 128 + int(code / 64) % 64, 128 + code % 64)
  return sprintf("%c%c%c%c", 240 + int(code / 262144), 128 + int(code / 4096) % 64, 128 + int(code / 64) % 64, 128 + code % 64)
}
function hex(digits,   code, i) {
  if (digits !~ /^[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]$/) fail()
  for (i = 1; i <= 4; i++) code = code * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
  return code
}
function string(keep,   out, c, code) {
  if (substr(text, at++, 1) != "\"") fail()
  while (at <= size) {
    c = substr(text, at, 1024) # A piece at a time: a text of a megabyte is not put together letter by letter.
    if (!match(c, /["\\\t\r\n]/)) { if (keep) out = out c; at += length(c); continue }
    if (keep) out = out substr(c, 1, RSTART - 1)
    at += RSTART; c = substr(c, RSTART, 1)
    if (c == "\"") return out
    if (c != "\\") fail()
    c = substr(text, at++, 1)
    if (c == "u") {
      code = hex(substr(text, at, 4)); at += 4
      if (code >= 55296 && code < 56320 && substr(text, at, 2) == "\\u") {
        code = 65536 + (code - 55296) * 1024 + hex(substr(text, at + 2, 4)) - 56320; at += 6
      }
      out = out utf8(code)
    } else if (c != "" && index("\"\\/", c)) out = out c
    else if (c != "" && index("bfnrt", c)) out = out substr("\b\f\n\r\t", index("bfnrt", c), 1)
    else fail()
  }
  fail()
}
function value(path,   c, from, key, step, rest, n, start) {
  blank(); from = at; c = substr(text, at, 1)
  step = path; sub(/\..*/, "", step); rest = index(path, ".") ? substr(path, index(path, ".") + 1) : ""
  if (c == "{" || c == "[") {
    if (++depth > 200) fail()
    at++; blank()
    if (index("}]", substr(text, at, 1))) { if (substr(text, at++, 1) != (c == "{" ? "}" : "]")) fail() }
    else while (1) {
      key = n++
      if (c == "{") { blank(); key = string(1); blank(); if (substr(text, at++, 1) != ":") fail() }
      start = at
      value(path != "" && key "" == step ? (rest == "" ? "\001" : rest) : "")
      if (depth == 1) field[key] = substr(text, start, at - start)
      blank(); key = substr(text, at++, 1)
      if (key == ",") continue
      if (key != (c == "{" ? "}" : "]")) fail()
      break
    }
    depth--
  } else if (c == "\"") { c = string(path == "\001"); if (path == "\001") { result = c; has = 1 } return }
  else if (match(substr(text, at, 400), /^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)/)) at += RLENGTH
  else fail()
  if (path == "\001") { result = substr(text, from, at - from); has = 1 }
}
{ text = text (NR > 1 ? "\n" : "") $0 }
END {
  size = length(text); at = 1
  value(ENVIRON["OSTOJA_PATH"]); blank()
  if (at <= size) exit 2
  if (ENVIRON["OSTOJA_PATH"] != "") { if (!has) exit 1; printf "%s", result }
  n = split(ENVIRON["OSTOJA_ORDER"], order, " ")
  for (i = 1; i <= n; i++) if (order[i] in field) {
    sub(/^[ \t]+/, "", field[order[i]])
    printf "%s\"%s\":%s", (printed++ ? "," : "{"), order[i], field[order[i]]
  }
  if (printed) printf "}"
}'

# The order in which the kernel writes the fields of a frame; the vectors in conformance hold it to that.
ostoja_order='type id from service method topic params payload config changedSections workspacePath result error state version'

# ostoja_get JSON KEY: prints one value, a text without its quotes; a dotted key goes into objects, a number into a
# list. Fails when it is not there.
ostoja_get() {
  printf '%s\n' "$1" | LC_ALL=C OSTOJA_PATH="$2" awk "$ostoja_awk"
}

# ostoja_check JSON: whether it is one JSON value.
ostoja_check() {
  printf '%s\n' "$1" | LC_ALL=C OSTOJA_PATH='' awk "$ostoja_awk"
}

# ostoja_frame LINE: the frame as the kernel would write it; a fake kernel may write its fields in another way.
ostoja_frame() {
  printf '%s\n' "$1" | LC_ALL=C OSTOJA_PATH='' OSTOJA_ORDER="$ostoja_order" awk "$ostoja_awk"
}

# ostoja_json TEXT: prints a text as JSON, with its quotes.
ostoja_json() {
  printf '%s\n' "$1" | LC_ALL=C tr '\001-\010\013\014\016-\037' ' ' | LC_ALL=C awk '
    { gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); out = out (NR > 1 ? "\\n" : "") $0 }
    END { printf "\"%s\"", out }'
}

# --- What a module says ---

# ostoja_say LINE: one frame.
ostoja_say() {
  if [ "${#1}" -ge "$ostoja_line_max" ]; then
    printf 'ostoja: a frame of %s characters exceeds the line limit\n' "${#1}" >&2
    return 1
  fi
  # The kernel is gone when this fails; the end of stdin tells so too.
  printf '%s\n' "$1" >&3 2>/dev/null
}

# ostoja_log LEVEL TEXT [JSON]
ostoja_log() {
  ostoja_say "{\"type\":\"log\",\"level\":\"$1\",\"msg\":$(ostoja_json "$2")${3:+,\"data\":$3}}"
}

# ostoja_publish TOPIC [JSON]
ostoja_publish() {
  ostoja_check "${2:-null}" || { echo "ostoja_publish: the payload is no JSON" >&2; return 1; }
  ostoja_say "{\"type\":\"publish\",\"topic\":$(ostoja_json "$1"),\"payload\":$(ostoja_flat "${2:-null}")}"
}

# ostoja_call SERVICE METHOD [JSON]: prints the result as JSON; when the call fails, prints the error's text and fails.
# What else comes meanwhile is dealt with meanwhile.
ostoja_call() {
  ostoja_request rpc_response rpc_request "\"service\":$(ostoja_json "$1"),\"method\":$(ostoja_json "$2")" "$3"
}

# ostoja_kernel METHOD [JSON]: asks the kernel itself, in the same way.
ostoja_kernel() {
  ostoja_request call:response call "\"method\":$(ostoja_json "$1")" "$2"
}

# ostoja_secret NAME: prints a secret that was granted to this module, as JSON.
ostoja_secret() {
  ostoja_kernel secret.get "{\"name\":$(ostoja_json "$1")}"
}

# ostoja_context get KEY, set KEY JSON, delete KEY, list, watch, unwatch NUMBER: variables that outlive this module, kept
# by the kernel. More fields may follow as JSON: ostoja_context set topic '"weather"' '"session":"chat","ttl_ms":60000'.
# What is watched comes on the topic kernel.context.
ostoja_context() {
  case $1 in
    list | watch) ostoja_kernel "context.$1" "{${2-}}" ;;
    set) ostoja_kernel context.set "{\"key\":$(ostoja_json "$2"),\"value\":$3${4:+,$4}}" ;;
    unwatch) ostoja_kernel context.unwatch "{\"watch\":$2}" ;;
    *) ostoja_kernel "context.$1" "{\"key\":$(ostoja_json "$2")${3:+,$3}}" ;;
  esac
}

# ostoja_config KEY: prints one value of this module's own section of the configuration; fails when it is not there.
ostoja_config() {
  ostoja_get "$ostoja_section" "$1"
}

ostoja_request() {
  ostoja_check "${4:-null}" || { echo "params are no JSON"; return 1; }
  # A handler runs in a shell of its own, which counts for itself: its process id keeps the ids apart.
  ostoja_last_id=$((ostoja_last_id + 1))
  ostoja_own_id=$(exec sh -c 'echo "$PPID"')-$ostoja_last_id
  ostoja_say "{\"type\":\"$2\",\"id\":\"$ostoja_own_id\",$3${4:+,\"params\":$(ostoja_flat "$4")}}" || return 1
  while ostoja_read; do
    case $ostoja_line in
      "{\"type\":\"$1\",\"id\":\"$ostoja_own_id\"}") echo null; return 0 ;;
      "{\"type\":\"$1\",\"id\":\"$ostoja_own_id\",\"error\":"*)
        ostoja_get "$ostoja_line" error
        return 1 ;;
      "{\"type\":\"$1\",\"id\":\"$ostoja_own_id\",\"result\":"*)
        ostoja_line=${ostoja_line#*,\"result\":}
        printf '%s' "${ostoja_line%\}}"
        return 0 ;;
      '{"type":"shutdown"}')
        kill -TERM "$$" # The shell that waits for this one ends the module.
        break ;;
      *) (ostoja_take "$ostoja_line") ;; # In a shell of its own, so that it does not change what this call knows.
    esac
  done
  echo "shutting down"
  return 1
}

# ostoja_flat JSON: on one line; within a text there is no line break.
ostoja_flat() {
  printf '%s' "$1" | tr '\n\r' '  '
}

# --- What a module offers ---

# ostoja_serve SERVICE METHOD HANDLER: the handler gets the params, `null` when there are none.
ostoja_serve() {
  ostoja_services="$ostoja_services$(ostoja_json "$1") $(ostoja_json "$2") $3$ostoja_newline"
}

# ostoja_on TOPIC HANDLER: the handler gets the payload; what it prints goes to the log.
ostoja_on() {
  ostoja_topics="$ostoja_topics$(ostoja_json "$1") $2$ostoja_newline"
}

# Functions of these names are called, where the module has them: on_install, on_init, on_ready, on_config, on_shutdown,
# on_service_available NAME, save_state (prints JSON), restore_state JSON VERSION.
ostoja_hook() {
  ostoja_name=$1
  shift
  if command -v "$ostoja_name" >/dev/null 2>&1; then "$ostoja_name" "$@" >&2; fi
}

# ostoja_run: connects to the kernel and serves until it says shutdown or closes the pipe; the shell exits with 0.
ostoja_run() {
  if [ -t 0 ]; then
    echo "${0##*/} is an Ostoja module: the kernel starts it and talks to it over a pipe." >&2
    echo "List it in ostoja.yaml (modules: {name: {run: sh ${0##*/}, protocol: lines}}) and type: ostoja up" >&2
    exit 64
  fi
  exec 3>&1 1>&2 # From here on a stray print goes to stderr, which the kernel logs.
  ostoja_say ''  # Ends a line that was printed before we came; the kernel skips blank lines.
  ostoja_state=idle
  ostoja_over=
  # A mark of its own: a signal just before the shell is idle again must not be forgotten by saying so.
  trap 'ostoja_over=yes; [ "$ostoja_state" = busy ] || ostoja_end' TERM INT
  trap '' PIPE
  while [ -z "$ostoja_over" ] && ostoja_read; do
    [ "$ostoja_line" != '{"type":"shutdown"}' ] || break
    ostoja_state=busy
    ostoja_take "$ostoja_line"
    ostoja_state=idle
  done
  ostoja_end
}

# The next line of the kernel; what is no frame is left out by whoever looks at its type.
ostoja_read() {
  IFS= read -r ostoja_line || return 1
  case $ostoja_line in
    '{"type":"'*) ;;
    *) ostoja_line=$(ostoja_frame "$ostoja_line") || ostoja_line='' ;;
  esac
}

ostoja_end() {
  trap '' TERM INT
  ostoja_hook on_shutdown
  exit 0
}

# The kernel writes `type` and names first and what belongs to modules last. So the names are read off the front, and
# the rest is taken as it is.
ostoja_take() {
  case $1 in
    '{"type":"ping"}') ostoja_say '{"type":"pong"}' ;;
    '{"type":"rpc_request","id":"'*) ostoja_answer "$1" ;;
    '{"type":"deliver","id":"'*) ostoja_deliver "$1" ;;
    '{"type":"install"}') ostoja_hook on_install ;;
    '{"type":"init",'*) ostoja_init "$1" ;;
    '{"type":"deps_ready"}') ostoja_hook on_ready ;;
    '{"type":"service_available",'*) ostoja_hook on_service_available "$(ostoja_get "$1" service)" ;;
    '{"type":"config:update",'*)
      ostoja_take_config "$1" ',"changedSections"'
      ostoja_hook on_config ;;
    '{"type":"call","id":"'*)
      ostoja_front id "$1" && ostoja_say "{\"type\":\"call:response\",\"id\":\"$ostoja_value\",\"error\":\"Unknown method\"}" ;;
    '{"type":"state:save","id":"'*) ostoja_save "$1" ;;
    '{"type":"state:restore","id":"'*) ostoja_restore "$1" ;;
  esac
}

# ostoja_front NAME LINE: the next field's text as it stands in JSON, without its quotes, and the rest behind it.
ostoja_front() {
  ostoja_rest=${2#*\""$1"\":\"}
  [ "$ostoja_rest" != "$2" ] || return 1
  ostoja_value=''
  while :; do
    ostoja_piece=${ostoja_rest%%\"*}
    ostoja_rest=${ostoja_rest#*\"}
    ostoja_value=$ostoja_value$ostoja_piece
    ostoja_tail=${ostoja_piece##*[!\\]} # The backslashes before the quote: an odd number makes it part of the text.
    [ "$ostoja_piece" != "$ostoja_tail" ] || ostoja_tail=$ostoja_piece
    [ $((${#ostoja_tail} % 2)) -eq 1 ] || return 0
    ostoja_value="$ostoja_value\""
  done
}

ostoja_answer() {
  ostoja_front id "$1" || return 0
  ostoja_call_id=$ostoja_value
  ostoja_front service "$ostoja_rest" || return 0
  ostoja_service=$ostoja_value
  ostoja_front method "$ostoja_rest" || return 0
  case $ostoja_rest in
    ',"params":'*) ostoja_params=${ostoja_rest#,\"params\":} ostoja_params=${ostoja_params%\}} ;;
    *) ostoja_params=null ;;
  esac
  case "$ostoja_newline$ostoja_services" in
    *"$ostoja_newline\"$ostoja_service\" \"$ostoja_value\" "*)
      ostoja_handler=${ostoja_services##*"\"$ostoja_service\" \"$ostoja_value\" "}
      ostoja_handler=${ostoja_handler%%"$ostoja_newline"*} ;;
    *"$ostoja_newline\"$ostoja_service\" "*)
      ostoja_say "{\"type\":\"rpc_response\",\"id\":\"$ostoja_call_id\",\"error\":\"Unknown method: $ostoja_value\"}"
      return ;;
    *)
      ostoja_say "{\"type\":\"rpc_response\",\"id\":\"$ostoja_call_id\",\"error\":\"service_not_found\"}"
      return ;;
  esac
  if ostoja_result=$("$ostoja_handler" "$ostoja_params"); then
    if [ "${#ostoja_result}" -ge "$ostoja_line_max" ]; then
      ostoja_result="\"error\":\"bad result: exceeds the line limit of $ostoja_line_max\""
    elif ! ostoja_check "${ostoja_result:-null}"; then
      ostoja_result='"error":"bad result: not JSON"'
    else
      ostoja_result="\"result\":$(ostoja_flat "${ostoja_result:-null}")"
    fi
  else
    ostoja_result="\"error\":$(ostoja_json "${ostoja_result:-$ostoja_handler failed}")"
  fi
  ostoja_say "{\"type\":\"rpc_response\",\"id\":\"$ostoja_call_id\",$ostoja_result}" ||
    ostoja_say "{\"type\":\"rpc_response\",\"id\":\"$ostoja_call_id\",\"error\":\"bad result: exceeds the line limit of $ostoja_line_max\"}"
}

ostoja_deliver() {
  ostoja_front id "$1" || return 0
  ostoja_delivery=$ostoja_value
  ostoja_front topic "$ostoja_rest" || return 0
  ostoja_topic=$ostoja_value
  ostoja_payload=${ostoja_rest#,\"payload\":} ostoja_payload=${ostoja_payload%\}}
  ostoja_left=$ostoja_topics
  while [ -n "$ostoja_left" ]; do
    ostoja_entry=${ostoja_left%%"$ostoja_newline"*}
    ostoja_left=${ostoja_left#*"$ostoja_newline"}
    [ "${ostoja_entry% *}" = "\"$ostoja_topic\"" ] || continue
    if ! "${ostoja_entry##* }" "$ostoja_payload"; then
      ostoja_say "{\"type\":\"nack\",\"id\":\"$ostoja_delivery\",\"error\":\"${ostoja_entry##* } failed\"}"
      return
    fi
  done
  ostoja_say "{\"type\":\"ack\",\"id\":\"$ostoja_delivery\"}"
}

# ostoja_take_config LINE NEXT: the own section; the kernel never sends another module's.
ostoja_take_config() {
  ostoja_section=${1#*\"config\":}
  ostoja_section=${ostoja_section%"$2"*}
  case $ostoja_section in
    '{"'*)
      ostoja_front '' "\"\":${ostoja_section#\{}"
      ostoja_section=${ostoja_rest#:}
      ostoja_section=${ostoja_section%\}} ;;
  esac
}

ostoja_init() {
  ostoja_take_config "$1" ',"workspacePath"'
  if ! ostoja_hook on_init; then
    ostoja_say '{"type":"nack","id":"init","error":"on_init failed"}'
    exit 1
  fi
  ostoja_names=$(printf '%s' "$ostoja_services" | sed 's/" ".*/"/' | sort -u | tr '\n' ',')
  ostoja_heard=$(printf '%s' "$ostoja_topics" | sed 's/ [^ ]*$//' | sort -u | tr '\n' ',')
  ostoja_say "{\"type\":\"ready\",\"manifest\":{\"provides\":[${ostoja_names%,}],\"subscribes\":[${ostoja_heard%,}]}}"
}

ostoja_save() {
  ostoja_front id "$1" || return 0
  ostoja_saved=null
  if command -v save_state >/dev/null 2>&1; then ostoja_saved=$(save_state) || ostoja_saved=''; fi
  if ostoja_check "$ostoja_saved"; then
    ostoja_say "{\"type\":\"state:saved\",\"id\":\"$ostoja_value\",\"state\":$(ostoja_flat "$ostoja_saved"),\"version\":\"${OSTOJA_VERSION:-0}\"}"
  else
    ostoja_say "{\"type\":\"nack\",\"id\":\"$ostoja_value\",\"error\":\"save_state failed\"}"
  fi
}

ostoja_restore() {
  ostoja_front id "$1" || return 0
  ostoja_restored=$ostoja_value
  ostoja_rest=${ostoja_rest#,\"state\":}
  ostoja_version=${ostoja_rest##*,\"version\":\"} ostoja_version=${ostoja_version%\"\}}
  if ostoja_hook restore_state "${ostoja_rest%,\"version\":*}" "$ostoja_version"; then
    ostoja_say "{\"type\":\"state:restored\",\"id\":\"$ostoja_restored\"}"
  else
    ostoja_say "{\"type\":\"nack\",\"id\":\"$ostoja_restored\",\"error\":\"restore_state failed\"}"
  fi
}
