#!/usr/bin/env bash
# Builds the core library of CAF with the thread sanitizer, once, and prints its path.
#
# The sanitizer sees no lock of a library that was built without it: with the library of the distribution a correct
# program of actors gives hundreds of reports, and what suppresses them suppresses those of our actors too. The source
# is that of the installed package, so that the headers match.
set -euo pipefail
# shellcheck source=tests/support/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  echo "Usage: tests/support/instrument_caf.sh    # prints the path of a libcaf_core.so for -DBERTH_SANITIZE=thread"
  exit 0
fi

source_package=$(dpkg-query -W -f '${source:Package}=${source:Version}' libcaf-dev 2>/dev/null) ||
  die "libcaf-dev is not installed; run: sudo apps/setup.sh build"
target=$BERTH_CACHE/tsan-${source_package/=/-}
library=$target/libcaf_core.so

build() {
  local work=$1
  mkdir -p "$work/apt/sources.list.d" "$work/source"
  apt_sources --source "$(codename)" >"$work/apt/sources.list.d/source.sources"
  private_apt "$work/apt" update >&2 || die "cannot read the index of the distribution's source packages"
  (cd "$work" && private_apt "$work/apt" source --download-only --tar-only "$source_package" >&2) ||
    die "cannot download the source package $source_package"
  tar -C "$work/source" --strip-components=1 -xf "$work"/*.orig.tar.*
  cmake -S "$source_dir/tests/support/instrumented_caf" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
    -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$work/out" -DCAF_SOURCE="$work/source" >&2
  ninja -C "$work/build" -j "$(nproc)" >&2
}

mkdir -p "$BERTH_CACHE"
exec 9>"$target.lock"
flock -w 1200 9 || die "another run has been building CAF for 20 minutes; end it or remove $target.lock"
if [ ! -e "$library" ]; then
  work=$(mktemp -d "$BERTH_CACHE/caf.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  build "$work"
  rm -rf "$target"
  mv "$work/out" "$target"
fi
echo "$library"
