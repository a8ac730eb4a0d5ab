#!/usr/bin/env bash
# golangci-lint with .golangci.yml where it is installed; otherwise the linters that
# carry most of it, each at the version named here.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
gofumpt=mvdan.cc/gofumpt@v0.12.0

bash scripts/house.sh
config=$PWD/.golangci.yml
failed=0

if ! command -v golangci-lint >/dev/null; then
  module=$(GOWORK=off go list -m)
  mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.go' | while read -r f; do [ ! -f "$f" ] || echo "$f"; done)
  unformatted=$(go run "$gofumpt" -modpath "$module" -l "${files[@]}")
  if [ -n "$unformatted" ]; then
    printf 'not formatted by gofumpt:\n%s\n' "$unformatted" >&2
    failed=1
  fi
fi

mapfile -t dirs < <(modules)
for dir in "${dirs[@]}"; do
  echo "lint: $(short "$dir")"
  if command -v golangci-lint >/dev/null; then
    (cd "$dir" && golangci-lint run --config "$config" ./...) || failed=1
  else
    (cd "$dir" && go vet ./...) || failed=1
    (cd "$dir" && go run "$staticcheck" ./...) || failed=1
  fi
done
[ $failed -ne 0 ] || echo "lint: clean"
exit $failed
