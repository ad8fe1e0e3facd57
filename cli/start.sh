#!/bin/sh
# How the image starts. Deno keeps what it has learnt of its modules in databases,
# and reads none that it may not write to; the image is read-only in a pod. So the
# sidecar gets a copy of them in /tmp: that is a fifth of its start.
own=/tmp/parley-deno

copy() {
  mkdir "$1" || return
  for entry in /deno-dir/*; do
    case $entry in
      *_cache_v2 | *_cache_v2-wal) cp "$entry" "$1" ;;
      *-shm) ;; # made anew
      *) ln -s "$entry" "$1" ;;
    esac
  done
}

# A container that starts again finds the /tmp of the one before.
if [ $$ -eq 1 ]; then rm -rf "$own" "$own".*; fi
if [ ! -d "$own" ]; then
  copy "$own.$$" 2>/dev/null && mv "$own.$$" "$own"
fi
if [ -d "$own" ]; then export DENO_DIR="$own"; fi
exec deno run -q --cached-only --no-prompt -P main.ts "$@"
