#!/usr/bin/env bash
# Rules of the house that no compiler knows. Prints each breach; fails if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."
breaches=0

# rule MESSAGE reads the breaches of one rule from standard input.
rule() {
  local found
  found=$(cat)
  [ -n "$found" ] || return 0
  printf '%s:\n%s\n' "$1" "$found" >&2
  breaches=1
}

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.go' | while read -r f; do [ ! -f "$f" ] || echo "$f"; done)

rule "not formatted by gofmt -s" < <(gofmt -l -s "${files[@]}")

# A thing is done, or there is an issue for it.
rule "unfinished work left in a comment" < <(grep -nE '(//|/\*).*\b(TODO|FIXME|XXX|HACK)\b' "${files[@]}")

# A test waits for the event, or fakes the clock.
rule "a test that sleeps" < <(printf '%s\n' "${files[@]}" | grep '_test\.go$' | xargs grep -n 'time\.Sleep(')

# The hard ceiling on what one reader takes in at a sitting.
rule "longer than 600 lines" < <(wc -l "${files[@]}" | awk '$2 != "total" && $1 > 600 {print $2 ": " $1}')

exit $breaches
