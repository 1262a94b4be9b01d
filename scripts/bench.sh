#!/usr/bin/env bash
# thymus beside a bare walk and the flow programs that are installed; see bench/README.md.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh --test
build_bench_programs bare_walk core_replay trace_maker
exec node dist/bench/peers/compare.js "$@"
