#!/bin/sh
# Every check, one after the other, each reported even when an earlier one failed.
#
#   scripts/check.sh FOLDER-OF-THE-TOOLS
set -u

bin=$1
failed=

run() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed $name"
}

run format "$bin/python" -m ruff format --check .
run lint "$bin/python" -m ruff check .
markers() {
    # A merge that was committed half done: no other check reads every kind of file.
    ! git grep -nE '^(<<<<<<<|>>>>>>>) ' -- .
}

run types "$bin/python" -m mypy
run merges markers
run architecture "$bin/lint-imports"

if [ -n "$failed" ]; then
    printf 'Failed:%s\n' "$failed"
    exit 1
fi
echo 'All checks passed.'
