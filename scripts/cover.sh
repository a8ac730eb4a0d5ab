#!/usr/bin/env bash
# How much of each package of the library its tests and those above it execute.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache
profile=.cache/cover.out
mapfile -t packages < <(go list ./... | grep -v -e '/interop$' -e '/examples/')
covered=$(IFS=,; echo "${packages[*]}")
go test -coverpkg="$covered" -coverprofile="$profile" "${packages[@]}" >.cache/cover.log || {
  cat .cache/cover.log >&2
  exit 1
}
# A block occurs once for each test binary; it is covered if one of them ran it.
awk 'NR > 1 {
  size[$1] = $2
  if ($3 > 0) ran[$1] = 1
}
END {
  for (block in size) {
    package = block
    sub(/\/[^\/]*$/, "", package)
    all[package] += size[block]
    if (block in ran) hit[package] += size[block]
    total += size[block]
    if (block in ran) totalhit += size[block]
  }
  for (package in all) printf "%-50s %6.1f %%\n", package, 100 * hit[package] / all[package] | "sort"
  close("sort")
  printf "%-50s %6.1f %%\n", "total", 100 * totalhit / total
}' "$profile"
go tool cover -html="$profile" -o .cache/cover.html
echo "line by line: .cache/cover.html"
