#!/usr/bin/env bash
# Brings a Debian or Ubuntu machine with Node and git to a built project: system packages, node
# modules, native addon, protobuf code, JavaScript. Does only what is missing or out of date.
#   --test  also what the tests need
source "$(dirname "$0")/lib.sh"

BUILD_PACKAGES=(g++ make cmake python3 zlib1g-dev libzstd-dev libssl-dev libpcap-dev)
TEST_PACKAGES=(doctest-dev)
# Where a distribution lacks one of these, the checks that need it are skipped.
WANTED_TEST_PACKAGES=(clang-14 libclang-rt-14-dev clang-format-19)
STAMPS=build/stamps

check_node() {
  have node || fail 'thymus needs Node 20.19 or newer: install the packages nodejs and npm.'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "thymus needs Node 20.19 or newer, but this is $(node -v): install a newer one."
  have npm || fail 'thymus needs npm: install the package npm.'
}

# The packages among the arguments that are not installed.
missing_packages() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

has_candidate() {
  [[ -n $(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([^(].*\)/\1/p') ]]
}

check_commands() {
  local name
  for name in g++ make cmake; do
    have "$name" || fail "thymus needs $name and the headers of zlib, zstd and OpenSSL: install them, then repeat this command."
  done
}

install_packages() {
  have apt-get || { check_commands; return; }
  local need=() want=() name
  mapfile -t need < <(missing_packages "$@")
  if ((with_tests)) && [[ ! -e $STAMPS/wanted ]]; then
    mapfile -t want < <(missing_packages "${WANTED_TEST_PACKAGES[@]}")
  fi
  ((${#need[@]} + ${#want[@]})) || return 0
  if ((EUID != 0)) && ! have sudo; then
    ((${#need[@]})) || return 0
    fail "thymus needs system packages: run 'apt-get install ${need[*]}' as root, then repeat this command."
  fi
  as_root apt-get update -qq || say 'The package lists could not be refreshed; going on with those that are there.'
  if ((${#need[@]})); then
    say "Installing system packages: ${need[*]}"
    apt_install "${need[@]}" >&2 || fail "apt could not install ${need[*]}: see its message above."
  fi
  for name in "${want[@]}"; do
    has_candidate "$name" || continue
    apt_install "$name" >&2 || say "$name could not be installed; checks that need it are skipped."
  done
  touch "$STAMPS/wanted"
}

# Lets the optional package cap build against the headers that came with Node, without a download.
export_nodedir() {
  local prefix
  prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  if [[ -f $prefix/include/node/node.h ]]; then export npm_config_nodedir=$prefix; fi
}

install_modules() {
  local stamp=node_modules/.thymus-lock lock
  lock="$(sha256sum <package-lock.json) $(uname -sm)"
  [[ -f $stamp && $(<"$stamp") == "$lock" ]] && return
  say 'Installing node modules.'
  npm ci --no-progress >&2 || fail "'npm ci' did not succeed: see its message above."
  echo "$lock" >"$stamp"
  [[ -e node_modules/cap/build/Release/cap.node ]] ||
    say 'The optional package cap could not be built; nothing but captures through it is missing.'
}

# is_stale STAMP PATH...: something below the paths changed since the stamp was made. Folders count,
# so that a removed file is noticed.
is_stale() {
  local stamp=$STAMPS/$1
  shift
  [[ ! -e $stamp ]] || [[ -n $(find "$@" -newer "$stamp" -print -quit 2>/dev/null) ]]
}

# step STAMP SENTENCE COMMAND...: the stamp bears the time before the work, so that an edit made
# meanwhile is not missed.
step() {
  local stamp=$STAMPS/$1 log=build/$1.log
  say "$2"
  touch "$stamp.new"
  "${@:3}" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "'${*:3}' did not succeed: see its message above."
  }
  mv "$stamp.new" "$stamp"
}

build_native() {
  [[ -e build/cmake/Release/thymus.node ]] || rm -f "$STAMPS/native"
  is_stale native native CMakeLists.txt || return 0
  step native 'Building the native core.' npm run --silent build:native
}

build_proto() {
  [[ -d src/api/gen && -d dist/src/api/gen ]] || rm -f "$STAMPS/proto"
  is_stale proto proto scripts/build_proto.mjs || return 0
  step proto 'Generating the protobuf code.' npm run --silent build:proto
}

build_ts() {
  [[ -e dist/src/cli/main.js ]] || rm -f "$STAMPS/ts" dist/tsconfig.tsbuildinfo
  is_stale ts src test/src test/addon bench tsconfig.json node_modules/.thymus-lock || return 0
  step ts 'Building the JavaScript.' npm run --silent build:ts
}

main() {
  local with_tests=0
  local packages=("${BUILD_PACKAGES[@]}")
  if [[ ${1:-} == --test ]]; then
    with_tests=1
    packages+=("${TEST_PACKAGES[@]}")
  fi
  check_node
  mkdir -p "$STAMPS"
  # Two set-ups in one checkout would tread on each other's files.
  exec 9>build/.setup.lock
  flock 9
  export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
  install_packages "${packages[@]}"
  export_nodedir
  install_modules
  build_native
  build_proto
  build_ts
}

main "$@"
