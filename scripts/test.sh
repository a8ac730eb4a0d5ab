#!/usr/bin/env bash
# Everything that must hold before a change is shared, in timed parts; ends at the
# first that fails. Parts whose folder does not exist are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
trap fail_part EXIT
export CGO_ENABLED=1 # for the race detector; the library itself needs none

begin "set-up"
bash scripts/setup.sh test
mapfile -t dirs < <(modules)
printf 'module: %s\n' "${dirs[@]}"
go version

begin "format, vet and floors"
bash scripts/house.sh
for dir in "${dirs[@]}"; do
  (cd "$dir" && go vet ./...)
done
go test .

begin "tests of every module"
for dir in "${dirs[@]}"; do
  (cd "$dir" && go list ./... | grep -v '/interop$' | xargs go test -timeout 15m)
done

begin "every driver"
# The default is among the tests above. A test that needs more descriptors than
# select takes says so.
case $(uname) in
  Linux) drivers=(stream runtime epoll poll select) ;;
  *) drivers=(stream) ;; # the others are untried elsewhere
esac
for driver in "${drivers[@]}"; do
  echo "driver: $driver"
  ZEROMUX_MULTIPLEXER=$driver go test -timeout 10m ./internal/engine ./conformance ./zmq
done

begin "every module alone"
for dir in "${dirs[@]}"; do
  short "$dir"
  (cd "$dir" && GOWORK=off go build ./...)
done

begin "race detector"
go list ./... | grep -v -e '/interop$' -e '/examples/' | xargs go test -race -shuffle=on -timeout 20m
[ "$(uname)" != Linux ] || ZEROMUX_MULTIPLEXER=epoll go test -race -timeout 20m ./internal/engine ./zmq

if [ -d interop ]; then
  begin "interop"
  ZEROMUX_REQUIRE_INTEROP=1 go test -count=1 -timeout 15m ./interop
fi

begin "other systems"
bash scripts/cross.sh quick

done_parts
