#!/usr/bin/env bash
# Makes captures of a small office with real tools, in network namespaces: see README.md.
#   --scenario NAME  only this one; may be repeated (default: all, see scenarios/index.ts)
#   --seed N         of who does what when (default 1)
#   --intensity X    of the attacks: 1, 0.25, 0.05 ... (default 1)
#   --out DIR        where captures, labels.json and INDEX.md go (default: pcaps/ of the project)
#   --keep           also keep the captures of DIR that are not made anew
set -euo pipefail
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$lab/../.." && pwd)
program=$root/build/lab/bench/lab
TOOLS=(unshare ip ethtool tcpdump nginx curl dnsmasq udhcpc openssl sshd ssh nmap hydra hping3 ping)

fail() {
  echo "$1" >&2
  exit "${2:-1}"
}

check_machine() {
  ((EUID == 0)) || fail 'The lab makes network namespaces: run it as root.'
  local tool
  for tool in "${TOOLS[@]}"; do
    command -v "$tool" >/dev/null || fail "The lab needs $tool: see bench/lab/README.md for the packages."
  done
  [[ -x $root/node_modules/.bin/tsc ]] || fail "Run 'npm run setup' first."
}

# A world of its own for each capture: no interface of the machine is in it, and all its namespaces,
# processes and mounts are gone when its first process ends, however that happens. It runs in the
# background so that a signal to this script is heard at once.
make_capture() {
  unshare --mount --net --pid --fork --kill-child --mount-proc \
    node "$program/make_capture.js" "$1" --seed "$seed" --intensity "$intensity" --out "$work" &
  world=$!
  wait "$world"
  world=
}

clean_up() {
  [[ -z $world ]] || { kill -KILL "$world" && wait "$world"; } 2>/dev/null || true
  rm -rf "$work"
}

scenarios=() seed=1 intensity=1 out=$root/pcaps keep=()
while (($#)); do
  case $1 in
    --scenario) scenarios+=("${2:?}"); shift 2 ;;
    --seed) seed=${2:?}; shift 2 ;;
    --intensity) intensity=${2:?}; shift 2 ;;
    --out) out=${2:?}; shift 2 ;;
    --keep) keep=(--keep); shift ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \?//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "There is no option $1: see 'bench/lab/run.sh --help'." 2 ;;
  esac
done

check_machine
"$root/node_modules/.bin/tsc" -p "$lab"
((${#scenarios[@]})) || mapfile -t scenarios < <(node "$program/scenarios/index.js")
work=$(mktemp -d)
world=
trap clean_up EXIT
trap 'exit 130' INT TERM
for scenario in "${scenarios[@]}"; do make_capture "$scenario"; done
node "$program/publish.js" --work "$work" --out "$out" "${keep[@]}"
