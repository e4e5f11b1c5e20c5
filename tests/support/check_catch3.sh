#!/usr/bin/env bash
# Compiles tests against Catch2 version 3, without linking them: Debian 12 has version 2, later releases have version 3,
# and the two differ in headers and names. The headers come from the package of a later release, which is not installed.
set -euo pipefail
# shellcheck source=tests/support/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  echo "Usage: tests/support/check_catch3.sh    # compiles a choice of tests against Catch2 3"
  exit 0
fi

# The first release of Debian with version 3.
suite=trixie
target=$BERTH_CACHE/catch2-$suite

fetch() {
  local work=$1
  mkdir -p "$work/sources.list.d"
  apt_sources "$(codename)=$suite" >"$work/sources.list.d/$suite.sources"
  private_apt "$work" update >&2 || die "cannot read the package index of $suite from the mirror of this machine"
  # Version 3 is in this package; "catch2" is an empty one that depends on it.
  (cd "$work" && private_apt "$work" download libcatch2-dev >&2) || die "$suite has no package libcatch2-dev"
  dpkg-deb -x "$work"/libcatch2-dev_*.deb "$work/root"
  [ -e "$work/root/usr/include/catch2/catch_all.hpp" ] || die "the Catch2 of $suite has no catch_all.hpp"
}

if [ -e /usr/include/catch2/catch_all.hpp ]; then
  echo "the installed Catch2 is version 3, which the build has compiled everything against"
  exit 0
fi
mkdir -p "$BERTH_CACHE"
exec 9>"$target.lock"
flock -w 600 9 || die "another run has been fetching Catch2 for ten minutes; end it or remove $target.lock"
if [ ! -e "$target/usr/include/catch2/catch_all.hpp" ]; then
  work=$(mktemp -d "$BERTH_CACHE/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch "$work"
  rm -rf "$target"
  mv "$work/root" "$target"
fi

# What names anything of Catch2 beyond the usual macros, and one file of each folder.
cd "$source_dir"
mapfile -t files < <({
  echo tests/main.cpp
  grep -lE 'Catch::|Approx|Matchers|TEMPLATE_' -r tests --include='*.cpp'
  for folder in tests/*/; do
    find "$folder" -maxdepth 1 -name '*.cpp' | sort | head -n 1
  done
} | grep -v '^tests/fakes/' | sort -u)
echo "compiling ${#files[@]} files against the Catch2 of $suite"
# The library is linked by nobody, so what its package was compiled for does not matter.
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -I{} g++ -std=c++20 -fsyntax-only -I. -isystem "$target/usr/include" \
  -DBERTH_SOURCE_DIR='""' -DBERTH_BIN_DIR='""' -DBERTH_VERSION='""' {}
