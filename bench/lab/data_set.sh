#!/usr/bin/env bash
# Makes the labelled data set, in network namespaces: see README.md. What the folder holds already
# stays, so that a run that was stopped goes on where it ended.
#   --out DIR        where the set goes (default: build/lab-data of the project)
#   --small          only the kinds that matter most, once at full pace (about a quarter of an hour)
#   --only REGEX     only attacks with such names, as in scan_horizontal-nmap
#   --intensity X    of the attacks; may be repeated (default: 1, 0.25 and 0.05)
#   --repeats N      recordings of each attack at each intensity (default 3)
#   --sessions N     benign sessions of four minutes (default 4)
#   --days N         days of an office of 60 devices, in 24 minutes each (default 2)
#   --overlays N     benign captures that each recorded attack is laid over (default 2)
#   --jobs N         captures recorded at the same time (default 2); 0: only overlays are made
#   --list           only say what would be made
set -euo pipefail
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$lab/../.." && pwd)
TOOLS=(unshare ip ethtool tcpdump nginx curl dnsmasq udhcpc openssl sshd ssh nmap hydra hping3 ping
  timeout masscan ncrack medusa vsftpd nping slowhttptest iodine iodined dns2tcpc dns2tcpd ptunnel
  arpspoof wget)

fail() {
  echo "$1" >&2
  exit "${2:-1}"
}

if [[ ${1:-} == --help ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \?//;p}' "${BASH_SOURCE[0]}"
  exit 0
fi
((EUID == 0)) || fail 'The lab makes network namespaces: run it as root.'
for tool in "${TOOLS[@]}"; do
  command -v "$tool" >/dev/null || fail "The lab needs $tool: see bench/lab/README.md for the packages."
done
[[ -x $root/node_modules/.bin/tsc ]] || fail "Run 'npm run setup' first."
"$root/node_modules/.bin/tsc" -p "$lab"
exec node "$root/build/lab/bench/lab/data_set/make_data_set.js" --out "$root/build/lab-data" "$@"
