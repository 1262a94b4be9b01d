#!/usr/bin/env bash
# Formats everything that scripts/lint.sh checks.
source "$(dirname "$0")/lib.sh"

prettier --log-level warn --write .
if have clang-format-19; then
  git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' |
    grep -zv /generated/ | xargs -0r clang-format-19 -i
else
  say "C++ was left as it is: install 'clang-format-19' to format it."
fi
