#!/usr/bin/env bash
# thymus beside a bare walk and the flow programs that are installed, or what judging costs with
# 'cost'; see bench/README.md.
source "$(dirname "$0")/lib.sh"

if [[ ${1:-} == cost ]]; then
  bash scripts/setup.sh --test
  npm run --silent build:ts
  exec node --max-old-space-size=8192 dist/bench/judging/cost.js "$@"
fi
bash scripts/setup.sh --test
build_bench_programs bare_walk core_replay trace_maker
exec node dist/bench/peers/compare.js "$@"
