#!/usr/bin/env bash
# Gives the module another path: rename.sh example.com/x/zeromux. Import paths, go.mod
# files and what quotes them change, nothing else; the reverse call undoes it.
set -euo pipefail
cd "$(dirname "$0")/.."
new=${1:-}
old=$(GOWORK=off go list -m)
if ! [[ $new =~ ^[A-Za-z0-9][A-Za-z0-9._~/-]*[A-Za-z0-9]$ ]]; then
  echo "usage: make rename MODULE=example.com/x/zeromux" >&2
  exit 2
fi
from=${old//./\\.}

# files prints the files of the checkout that match, tracked or not yet.
files() { git ls-files -z --cached --others --exclude-standard -- "$@" | while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done; }

# An import stands alone on its line; a command of go or a link to a package in text names a path.
files '*.go' '*.md' | xargs -0 -r sed -E -i \
  -e "s#^([[:space:]]*(import )?([A-Za-z_.][A-Za-z0-9_]* )?)\"$from(/[^\"]*)?\"([[:space:]]*(//.*)?)\$#\1\"$new\4\"\5#" \
  -e "s#\b(go (get|install|run|build|test|doc) (-[a-z]+ )*)$from(/|@|\$|[[:space:]])#\1$new\4#" \
  -e "s#^([[:space:]]*//.*)\[$from/#\1[$new/#"
files 'go.mod' '*/go.mod' | xargs -0 -r sed -E -i \
  -e "s#^((module|require|replace)?[[:space:]]*)$from(/[^[:space:]]*)?([[:space:]]|\$)#\1$new\3\4#"
files '.golangci.yml' | xargs -0 -r sed -E -i -e "s#^([[:space:]]*module-path: )$from\$#\1$new#"

# Imports are sorted by path within their group.
files '*.go' | xargs -0 -r gofmt -w
echo "rename: $old is now $(GOWORK=off go list -m)"
