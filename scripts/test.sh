#!/usr/bin/env bash
# Everything a fresh machine needs, then all tests. The last line is the sum over all runners.
#   THYMUS_FUZZ_SECONDS  seconds for each fuzz target; 0 skips them; by default 15, less where all
#                        together would take more than 5 minutes
source "$(dirname "$0")/lib.sh"

bash scripts/setup.sh --test
RESULTS_DIR=$PWD/build/results
rm -rf "$RESULTS_DIR"
mkdir -p "$RESULTS_DIR"
export THYMUS_RESULTS=$RESULTS_DIR/all
JOBS=$(nproc)

title() { say $'\n'"== $*"; }

# quietly LOG COMMAND...: shows the output only where the command fails.
quietly() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || { tail -n 60 "$log" >&2; return 1; }
}

# build FOLDER CMAKE_ARGUMENT...
build() {
  local folder=$1
  shift
  mkdir -p "$folder"
  quietly "$folder/configure.log" cmake -S . -B "$folder" "$@" &&
    quietly "$folder/build.log" cmake --build "$folder" --parallel "$JOBS"
}

# native_tests NAME FOLDER CMAKE_ARGUMENT...: a run that dies leaves no totals and is one failure.
native_tests() {
  local name=$1 folder=$2 report=$RESULTS_DIR/$1.xml
  title "native tests, $name"
  check "$name: build" build "${@:2}" -DTHYMUS_TESTS=ON || return 0
  "$folder/native_tests" --reporters=xml --out="$report" || "$folder/native_tests" --no-intro >&2 || true
  node scripts/doctest_totals.mjs "$report" "$name" | tee -a "$THYMUS_RESULTS" >&2
}

# Mocha gets the tests whose sources exist, so that a leftover in dist/ never runs.
typescript_tests() {
  local sources status=0 report=$RESULTS_DIR/mocha.txt
  title 'TypeScript tests'
  mapfile -t sources < <(find test/src test/addon test/live -name '*.test.ts' 2>/dev/null | sort)
  ((${#sources[@]})) || { record 0 1 0 'mocha: there are no tests'; return 0; }
  local compiled=("${sources[@]/#/dist/}")
  THYMUS_MOCHA_TOTALS=$report timeout 1800 mocha --reporter scripts/mocha_reporter.cjs \
    --timeout 120000 "${compiled[@]/%.ts/.js}" >&2 || status=$?
  # Totals are written at the end of the run; what dies or hangs after them is a failure too.
  [[ -s $report ]] || echo '0 1 0 mocha: the run died' >"$report"
  cat "$report" >>"$THYMUS_RESULTS"
  if ((status > 0)) && ! grep -q '^[0-9]* [1-9]' "$report"; then record 0 1 0 'mocha: exit code'; fi
}

# fuzz_target NAME: seeds are test/fuzz/corpus/NAME and, for capture readers, the bundled captures.
fuzz_target() {
  local name=$1 work=build/fuzz/corpus/$1 seeds=()
  mkdir -p "$work"
  if [[ -d test/fuzz/corpus/$name ]]; then seeds+=("test/fuzz/corpus/$name"); fi
  if [[ $name == capture_* ]]; then seeds+=(pcaps); fi
  check "fuzz: $name" quietly "build/fuzz/$name.log" "build/fuzz/$name" "$work" "${seeds[@]}" \
    -max_total_time="$FUZZ_SECONDS" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$RESULTS_DIR/$name-" || true
}

fuzz_targets() {
  local compiler targets source
  mapfile -t targets < <(find test/fuzz -maxdepth 1 -name '*.cc' | sort)
  FUZZ_SECONDS=${THYMUS_FUZZ_SECONDS:-$((300 / ${#targets[@]}))}
  if ((FUZZ_SECONDS > 15)) && [[ -z ${THYMUS_FUZZ_SECONDS:-} ]]; then FUZZ_SECONDS=15; fi
  title "fuzz targets, $FUZZ_SECONDS s each"
  compiler=$(clangxx)
  if [[ -z $compiler || $FUZZ_SECONDS == 0 ]]; then
    for source in "${targets[@]}"; do skip "fuzz: $(basename "$source" .cc)" 'needs clang and seconds'; done
    return 0
  fi
  check 'fuzz: build' build build/fuzz -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_C_COMPILER="${compiler/++/}" -DTHYMUS_FUZZ=ON -DSANITIZE=address,undefined || return 0
  for source in "${targets[@]}"; do fuzz_target "$(basename "$source" .cc)"; done
}

native_tests release build/tests -DCMAKE_BUILD_TYPE=Release
native_tests sanitizers build/asan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g' \
  -DSANITIZE=address,undefined
typescript_tests
fuzz_targets
title lint
bash scripts/lint.sh || true
title totals
print_totals "$THYMUS_RESULTS"
