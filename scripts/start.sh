#!/usr/bin/env bash
# The main job on the bundled captures, on a machine that may be fresh.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh
mapfile -t captures < <(find pcaps -maxdepth 1 -name '*.pcap*' | sort)
((${#captures[@]})) || fail 'There is no capture in pcaps/: restore the folder from git.'
exec node bin/thymus replay "${captures[@]}"
