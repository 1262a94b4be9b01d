#!/usr/bin/env bash
# Checks style and generated files; changes nothing.
source "$(dirname "$0")/lib.sh"

# Names the files that clang-format would change.
check_cpp_format() {
  local findings
  findings=$(git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' |
    grep -zv /generated/ | xargs -0r clang-format-19 --dry-run -Werror 2>&1) && return
  say "Not formatted (run 'npm run format'):"
  sed -nE 's/^([^: ]+):[0-9]+:.*/  \1/p' <<<"$findings" | sort -u >&2
  return 1
}

failed=0
check 'lint: eslint' eslint . --max-warnings 0 || failed=1
check 'lint: prettier' prettier --log-level warn --check . || failed=1
if have clang-format-19; then
  check 'lint: clang-format' check_cpp_format || failed=1
else
  skip 'lint: clang-format' "install 'clang-format-19'"
fi
check 'lint: generated files' node scripts/generate.mjs --check || failed=1
exit "$failed"
