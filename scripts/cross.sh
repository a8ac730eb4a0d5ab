#!/usr/bin/env bash
# Builds the modules for other systems, without a C compiler: cross.sh quick|all.
# Not bench: it measures this machine, beside a peer in C.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

case ${1:-all} in
  # One of each kind of system, and of 32 bits.
  quick) targets="linux/386 darwin/arm64 windows/amd64 freebsd/amd64 solaris/amd64 aix/ppc64" ;;
  all) targets=$(go tool dist list | grep -E '^(linux|darwin|windows|freebsd|openbsd|netbsd|dragonfly|solaris|illumos|aix)/') ;;
  *)
    echo "cross.sh: quick or all, not $1" >&2
    exit 2
    ;;
esac

mapfile -t dirs < <(modules | grep -v '/bench$')
for target in $targets; do
  start=$SECONDS
  for dir in "${dirs[@]}"; do
    (cd "$dir" && CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build ./...) || {
      echo "cross: $target: $(short "$dir") does not build" >&2
      exit 1
    }
  done
  printf 'builds for %-16s %4d s\n' "$target" $((SECONDS - start))
done
