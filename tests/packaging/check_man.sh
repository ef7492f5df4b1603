#!/bin/sh
# check_man: the manual is clean mdoc and names no page that does not exist.
#
#   check_man.sh [MAN_DIR]
set -u
man_dir=${1:-$(dirname "$0")/../../man}
fail() {
    echo "check_man: $*"
    exit 1
}

command -v mandoc >/dev/null || fail "mandoc is not installed"
for page in roost.1 roost-protocol.7 roostd.8; do
    [ -f "$man_dir/$page" ] || fail "$man_dir/$page does not exist"
    complaints=$(mandoc -T lint -W warning "$man_dir/$page" 2>&1) ||
        fail "mandoc does not like $page:
$complaints"
    # Pages of ours that are referred to.
    grep -ohE '^\.Xr roost[a-z-]* [0-9]' "$man_dir/$page" | while read -r _ name section; do
        [ -f "$man_dir/$name.$section" ] || fail "$page refers to $name($section), which is missing"
    done || exit 1
done
echo "check_man: 3 pages are clean"
