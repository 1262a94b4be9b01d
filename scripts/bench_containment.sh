#!/usr/bin/env bash
# How fast a live run contains a flood; see bench/README.md. Needs root, nft, ip and hping3.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh --test
exec node dist/bench/live/containment.js "$@"
