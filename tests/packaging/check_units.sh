#!/bin/sh
# check_units: systemd accepts the units, and finds them well confined.
#
#   check_units.sh [UNIT_DIR]
set -u
unit_dir=${1:-$(dirname "$0")/../../systemd}
exposure_max=1.5
fail() {
    echo "check_units: $*"
    exit 1
}

command -v systemd-analyze >/dev/null || fail "systemd-analyze is not installed"
temp=$(mktemp -d) || fail "no temporary directory"
trap 'rm -rf "$temp"' EXIT

check_unit() {
    source=$unit_dir/$1
    unit=$temp/$2
    [ -f "$source" ] || fail "$source does not exist"
    # The daemon need not be installed here: any program stands in for it.
    sed -E 's,^ExecStart=[^ ]+,ExecStart=/bin/true,' "$source" >"$unit"
    grep -q '^ExecStart=/bin/true --config ' "$unit" || fail "$1 has no ExecStart with --config"

    complaints=$(systemd-analyze verify --man=no "$unit" 2>&1) ||
        fail "systemd-analyze verify refuses $1:
$complaints"
    # Unknown keys are only warned of.
    [ -z "$complaints" ] || fail "systemd-analyze verify warns of $1:
$complaints"

    report=$(systemd-analyze security --offline=true --no-pager "$unit" 2>&1)
    exposure=$(printf '%s\n' "$report" |
        sed -nE 's/.*Overall exposure level for .*: ([0-9]+\.[0-9]+) .*/\1/p')
    [ -n "$exposure" ] || fail "no exposure level for $1:
$report"
    awk "BEGIN { exit !($exposure <= $exposure_max) }" ||
        fail "the exposure of $1 is $exposure, more than $exposure_max"
    echo "check_units: $1: exposure $exposure"
}

check_unit roostd.service roostd.service || exit 1
check_unit roostd@.service roostd@a.service || exit 1

# systemd removes a unit's runtime directory when it stops: no two units may share one.
for unit in roostd.service roostd@.service; do
    sed -nE 's/^RuntimeDirectory=([^/]*).*/\1/p' "$unit_dir/$unit"
done | sort | uniq -d | grep . && fail "the units share the runtime directory above"
exit 0
