#!/usr/bin/env bash
# How fast the packet filter obeys; see bench/README.md. Needs root, nft and ip.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh --test
exec node dist/bench/live/response.js "$@"
