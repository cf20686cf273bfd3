#!/bin/sh
# Puts Ostoja below a prefix, or takes it away again: ./install.sh [--prefix DIR] [--uninstall]
# Nothing is started; homes with what they hold stay where they are.
set -eu

prefix=/usr/local
uninstall=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:?"--prefix wants a folder"}; shift ;;
    --prefix=*) prefix=${1#*=} ;;
    --uninstall) uninstall=yes ;;
    -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) echo "install.sh: no option $1; see --help" >&2; exit 2 ;;
  esac
  shift
done

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/tree"
find . -type f | LC_ALL=C sort | while read -r file; do
  target=$prefix/${file#./}
  if [ -n "$uninstall" ]; then
    rm -f "$target"
  else
    mode=644
    [ ! -x "$file" ] || mode=755
    install -D -m "$mode" "$file" "$target"
  fi
done
if [ -n "$uninstall" ]; then
  echo "removed from $prefix"
else
  echo "installed below $prefix; try: $prefix/bin/ostoja demo"
fi
