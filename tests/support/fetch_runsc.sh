#!/usr/bin/env bash
# Unpacks the runsc of the distribution's backports beside the installed one and prints the path of the binary.
#
# Users run newer gVisor releases than a stable distribution has, and the two differ (platforms, flags, overlay),
# so the tests run on both. The package is not installed: the machine's own configuration of apt stays untouched.
set -euo pipefail
# shellcheck source=tests/support/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  echo "Usage: tests/support/fetch_runsc.sh    # prints the path of the runsc of <codename>-backports"
  exit 0
fi

suite=$(codename)-backports
target=$BERTH_CACHE/runsc-$suite
binary=$target/usr/bin/runsc

fetch() {
  local work=$1
  mkdir -p "$work/sources.list.d"
  apt_sources "$(codename)=$suite" >"$work/sources.list.d/backports.sources"
  private_apt "$work" update >&2 || die "cannot read the package index of $suite from the mirror of this machine"
  # The dependencies of a static Go binary are of no interest; only backports is in the sources, so this is its version.
  (cd "$work" && private_apt "$work" download runsc >&2) || die "$suite has no package runsc"
  dpkg-deb -x "$work"/runsc_*.deb "$work/root"
  "$work/root/usr/bin/runsc" --version >&2 || die "the runsc of $suite does not run on this machine"
}

mkdir -p "$BERTH_CACHE"
exec 9>"$target.lock"
flock -w 600 9 || die "another run has been fetching runsc for ten minutes; end it or remove $target.lock"
if [ ! -x "$binary" ]; then
  work=$(mktemp -d "$BERTH_CACHE/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch "$work"
  rm -rf "$target"
  mv "$work/root" "$target"
fi
echo "$binary"
