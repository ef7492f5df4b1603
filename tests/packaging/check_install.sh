#!/bin/sh
# check_install: `cmake --install` and the Debian package bring every file, each to its place.
#
#   check_install.sh BUILD_DIR      (built, and configured with CMAKE_INSTALL_PREFIX=/usr)
set -u
fail() {
    echo "check_install: $*"
    exit 1
}
[ $# = 1 ] || fail "usage: check_install.sh BUILD_DIR"
build_dir=$1
[ -f "$build_dir/CMakeCache.txt" ] || fail "$build_dir is no build directory"
grep -q '^CMAKE_INSTALL_PREFIX:PATH=/usr$' "$build_dir/CMakeCache.txt" ||
    fail "$build_dir is not configured with CMAKE_INSTALL_PREFIX=/usr"
temp=$(mktemp -d) || fail "no temporary directory"
trap 'rm -rf "$temp"' EXIT

check_root() {
    root=$1
    what=$2
    for file in usr/bin/roostd usr/bin/roost etc/roost/roostd.toml \
        usr/lib/systemd/system/roostd.service usr/lib/systemd/system/roostd@.service \
        usr/share/man/man1/roost.1 usr/share/man/man7/roost-protocol.7 \
        usr/share/man/man8/roostd.8 usr/share/roost/roost-resume.js \
        usr/share/doc/roost/README.md \
        usr/share/doc/roost/CHANGELOG.md usr/share/doc/roost/copyright; do
        [ -s "$root/$file" ] || fail "$what lacks /$file"
    done
    for bin in roostd roost; do
        [ -x "$root/usr/bin/$bin" ] || fail "/usr/bin/$bin of $what is not executable"
        "$root/usr/bin/$bin" --version >/dev/null || fail "$bin --version of $what fails"
    done
    for unit in roostd.service roostd@.service; do
        grep -q '^ExecStart=/usr/bin/roostd --config /etc/roost/' \
            "$root/usr/lib/systemd/system/$unit" || fail "$unit of $what starts something else"
    done
}

DESTDIR=$temp/install cmake --install "$build_dir" >"$temp/log" 2>&1 ||
    fail "cmake --install fails:
$(tail -20 "$temp/log")"
check_root "$temp/install" "the installation"

[ -f "$build_dir/CPackConfig.cmake" ] || fail "$build_dir has no CPackConfig.cmake"
(cd "$build_dir" && cpack -G DEB -B "$temp/package") >"$temp/log" 2>&1 ||
    fail "cpack fails:
$(tail -20 "$temp/log")"
set -- "$temp"/package/roost_*.deb
[ -f "$1" ] || fail "cpack made no roost_*.deb"
deb=$1
dpkg-deb -x "$deb" "$temp/deb" || fail "$deb cannot be unpacked"
dpkg-deb -e "$deb" "$temp/control" || fail "$deb has no control files"
check_root "$temp/deb" "the package"

field() { dpkg-deb -f "$deb" "$1"; }
[ "$(field Package)" = roost ] || fail "the package is called $(field Package)"
[ "$(field Maintainer)" = "Roost maintainers <maintainers@example.org>" ] ||
    fail "the maintainer is $(field Maintainer)"
depends=$(field Depends)
for dependency in libwebsockets-evlib-ev libwebsockets17 libzmq5 libc6; do
    case ", $depends" in
        *", $dependency"*) ;;
        *) fail "the package does not depend on $dependency: $depends" ;;
    esac
done
grep -qx /etc/roost/roostd.toml "$temp/control/conffiles" ||
    fail "/etc/roost/roostd.toml is no conffile"
for script in postinst prerm postrm; do
    sh -n "$temp/control/$script" || fail "$script is no shell script"
    [ -x "$temp/control/$script" ] || fail "$script is not executable"
done

# Every file of the one is in the other.
for root in install deb; do
    (cd "$temp/$root" && find . -type f | sort) >"$temp/$root.list"
done
cmp -s "$temp/install.list" "$temp/deb.list" ||
    fail "installation and package differ:
$(diff "$temp/install.list" "$temp/deb.list")"
echo "check_install: $(wc -l <"$temp/deb.list") files, $(basename "$deb"), Depends: $depends"
