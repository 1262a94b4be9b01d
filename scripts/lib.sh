# Shared by the scripts of this folder; sourced, not run. Works from the project's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/node_modules/.bin:$PATH

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The newest clang++ of those with which the fuzz targets are known to build.
clangxx() {
  local name
  for name in clang++-14 clang++-19 clang++-18 clang++-16 clang++-15 clang++; do
    if have "$name"; then
      echo "$name"
      return
    fi
  done
}

# Results are lines "passed failed skipped name" in the file $THYMUS_RESULTS, where it is set.
record() {
  if [[ -n ${THYMUS_RESULTS:-} ]]; then echo "$*" >>"$THYMUS_RESULTS"; fi
}

# check NAME COMMAND...: one result, passed or failed by the exit code of the command.
check() {
  local name=$1
  shift
  if "$@"; then
    record 1 0 0 "$name"
    say "ok      $name"
  else
    record 0 1 0 "$name"
    say "FAILED  $name"
    return 1
  fi
}

# skip NAME WHY
skip() {
  record 0 0 1 "$1"
  say "skipped $1: $2"
}

# Prints what failed and "N passed, N failed, N skipped" over a results file; fails where something
# failed or nothing ran.
print_totals() {
  awk '{ p += $1; f += $2; s += $3 }
    $2 > 0 { name = $0; sub(/^[0-9]+ [0-9]+ [0-9]+ /, "", name); print "FAILED  " name }
    END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0 }' "$1"
}

# build_bench_programs NAME...: into build/tests.
build_bench_programs() {
  say 'Building the bench programs.'
  mkdir -p build/tests
  if ! { cmake -S . -B build/tests -DTHYMUS_TESTS=ON -DCMAKE_BUILD_TYPE=Release &&
    cmake --build build/tests --target "$@" --parallel "$(nproc)"; } >build/bench.log 2>&1; then
    tail -n 30 build/bench.log >&2
    fail 'The bench programs cannot be built: see build/bench.log.'
  fi
}
