#!/usr/bin/env bash
# Long loads and high counts, which make test has no time for.
#   COUNT  how often the concurrent packages run under the race detector, default 20
#   SOAK   how long each soak test loads, default 10m; the tests read it
#   CYCLES how many connections are lost and sockets opened, default 10000
#   MOVES  how many connections move from direct mode into a loop, default 100000
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
trap fail_part EXIT
export CGO_ENABLED=1 SOAK=${SOAK:-10m}

begin "race detector, ${COUNT:-20} times"
packages=()
for name in internal/pipe internal/routing internal/pattern internal/inproc internal/engine zmq; do
  [ ! -d "$name" ] || packages+=("./$name")
done
go test -race -shuffle=on -count="${COUNT:-20}" -timeout 0 "${packages[@]}"

# Soak tests stand behind a build tag, and their names begin with TestSoak.
begin "moves under the race detector"
go test -race -tags soak -run '^TestSoak' -count=1 -timeout 0 -v ./internal/engine

begin "long loads, $SOAK each"
go test -tags soak -run '^TestSoak' -count=1 -timeout 0 -v ./zmq
done_parts
