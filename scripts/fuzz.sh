#!/usr/bin/env bash
# Runs every fuzz target in turn and prints its executions.
#   FUZZTIME  CPU time for each target, default 10m
#   FUZZ      a regular expression that its name must match, default all
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
cpus=$(getconf _NPROCESSORS_ONLN)
time=$(seconds "${FUZZTIME:-10m}")
wall=$(((time + cpus - 1) / cpus))
log=$(mktemp)
trap 'rm -f "$log"' EXIT
summary=()
failed=0
TIMEFORMAT='%U %S'

mapfile -t dirs < <(modules)
for dir in "${dirs[@]}"; do
  cd "$dir"
  while read -r package targets; do
    for target in $targets; do
      [[ $target =~ ${FUZZ:-.} ]] || continue
      echo "== $package $target"
      # Minimising is bounded by tries: some targets walk maps, whose coverage is never twice the same.
      if ! cpu=$({ time go test -run '^$' -fuzz "^$target\$" -fuzztime "${wall}s" -fuzzminimizetime 20x "$package" >"$log" 2>&1; } 2>&1); then
        tail -n 40 "$log" >&2
        failed=1
      fi
      cpu=$(tail -n 1 <<<"$cpu" | awk '{printf "%d", $1 + $2}')
      execs=$(grep -o 'execs: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)
      summary+=("$(printf '%-60s %14s %10s' "$package $target" "${execs:-none}" "$cpu s")")
      echo "${summary[-1]}"
    done
  done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' ./... | while read -r package folder; do
    targets=$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$folder"/*_test.go | tr '\n' ' ')
    [ -z "$targets" ] || echo "$package $targets"
  done)
done
if [ ${#summary[@]} -eq 0 ]; then
  echo "no fuzz target is called ${FUZZ:-.}" >&2
  exit 1
fi
printf '\n%-60s %14s %10s\n' target executions CPU
printf '%s\n' "${summary[@]}"
exit $failed
