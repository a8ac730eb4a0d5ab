#!/usr/bin/env bash
# Installs what the tests need beside Go: setup.sh [bench]. Says nothing when all is there.
set -euo pipefail

packages=(gcc libc6-dev)
case ${1:-test} in
  bench) packages+=(pkg-config libzmq3-dev) ;;
  test)
    packages+=(pkg-config libzmq3-dev python3 python3-zmq libjeromq-java curl)
    command -v javac >/dev/null || packages+=(default-jdk-headless)
    ;;
  *)
    echo "setup.sh: no set of packages is called $1" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "setup: not a Debian system; tests that need ${packages[*]} are skipped where these are missing"
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo)
  if ! command -v sudo >/dev/null; then
    echo "setup: not root, and no sudo; please install: ${missing[*]}" >&2
    exit 1
  fi
fi

echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! {
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "setup: apt-get could not install ${missing[*]}" >&2
  exit 1
fi
