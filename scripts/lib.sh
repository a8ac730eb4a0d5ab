# shellcheck shell=bash
# What the scripts share. Sourced, not run: . scripts/lib.sh, in the root of the checkout.

# modules prints the folder of every module of go.work, the library's first.
modules() { go list -m -f '{{.Dir}}'; }

# short prints a folder as it is called from the root.
short() {
  local name=${1#"$PWD"}
  name=${name#/}
  echo "${name:-the library}"
}

# seconds turns 90, 90s, 10m or 1h into seconds, and refuses anything else.
seconds() {
  if ! [[ $1 =~ ^[0-9]+[smh]?$ ]]; then
    echo "$1: not a time such as 90, 90s, 10m or 1h" >&2
    return 1
  fi
  case $1 in
    *h) echo $((${1%h} * 3600)) ;;
    *m) echo $((${1%m} * 60)) ;;
    *) echo "${1%s}" ;;
  esac
}

# Parts are timed: begin NAME starts one, done_parts prints the table. A part that
# fails ends the script with a line that names it.
part_names=()
part_times=()
part=

begin() {
  end_part
  part=$1
  part_start=$SECONDS
  printf '\n== %s\n' "$part"
}

end_part() {
  [ -n "$part" ] || return 0
  local took=$((SECONDS - part_start))
  printf 'part %s: %d s\n' "$part" "$took"
  part_names+=("$part")
  part_times+=("$took")
  part=
}

done_parts() {
  end_part
  local i
  printf '\n%-40s %8s\n' part seconds
  for i in "${!part_names[@]}"; do
    printf '%-40s %8d\n' "${part_names[$i]}" "${part_times[$i]}"
  done
  printf '%-40s %8d\n' total "$SECONDS"
}

# fail_part is the trap for every way out before done_parts.
fail_part() {
  local status=$?
  [ $status -ne 0 ] && [ -n "$part" ] && printf '\nFAILED in part %s after %d s\n' "$part" $((SECONDS - part_start)) >&2
  exit $status
}
