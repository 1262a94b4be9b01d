#!/usr/bin/env bash
# thymus beside a bare walk and the flow programs that are installed; see bench/README.md.
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh --test
say 'Building the bench programs.'
mkdir -p build/tests
if ! { cmake -S . -B build/tests -DTHYMUS_TESTS=ON -DCMAKE_BUILD_TYPE=Release &&
  cmake --build build/tests --target bare_walk core_replay trace_maker --parallel "$(nproc)"; } >build/bench.log 2>&1; then
  tail -n 30 build/bench.log >&2
  fail "The bench programs cannot be built: see build/bench.log."
fi
exec node dist/bench/peers/compare.js "$@"
