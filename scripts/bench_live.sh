#!/usr/bin/env bash
# What a live run loses and how fast it speaks; see bench/README.md.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh --test
build_bench_programs packet_sender
exec node dist/bench/live/compare.js "$@"
