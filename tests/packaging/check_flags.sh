#!/bin/sh
# check_flags: the manual and --help name the same long flags.
#
#   check_flags.sh BIN MAN_PAGE [VERB...]
#
# With verbs, the flags of `BIN VERB --help` count as well.
set -u
fail() {
    echo "check_flags: $*"
    exit 1
}
[ $# -ge 2 ] || fail "usage: check_flags.sh BIN MAN_PAGE [VERB...]"
bin=$1
page=$2
shift 2
[ -x "$bin" ] || fail "$bin is no program"
[ -f "$page" ] || fail "$page does not exist"

help=$("$bin" --help 2>&1) || fail "$bin --help exits with $?"
for verb in "$@"; do
    verb_help=$("$bin" "$verb" --help 2>&1) || fail "$bin $verb --help exits with $?"
    help="$help
$verb_help"
done

# A flag ends where its word ends: --peer is not --peer-dns.
in_help=$(printf '%s\n' "$help" | grep -oE '(^|[^a-zA-Z0-9-])--[a-z][a-z0-9-]*' |
    grep -oE '[a-z][a-z0-9-]*$' | sort -u)
in_page=$(grep -oE '\bFl -[a-z][a-z0-9-]*' "$page" | sed 's/^Fl -//' | sort -u)
[ -n "$in_help" ] || fail "$bin --help names no long flag"
[ -n "$in_page" ] || fail "$page names no long flag"

wrong=0
for flag in $in_help; do
    printf '%s\n' "$in_page" | grep -qx -e "$flag" && continue
    echo "check_flags: --$flag is in $bin --help and not in $page"
    wrong=1
done
for flag in $in_page; do
    printf '%s\n' "$in_help" | grep -qx -e "$flag" && continue
    echo "check_flags: --$flag is in $page and not in $bin --help"
    wrong=1
done
[ $wrong = 0 ] || exit 1
echo "check_flags: $(printf '%s\n' "$in_help" | wc -l) flags of $bin agree with $page"
