#!/usr/bin/env bash
# How well detection works, on captures with truth; see bench/README.md.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh
exec node dist/bench/evaluate/evaluate.js "$@"
