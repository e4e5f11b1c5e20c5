# Shared by the scripts of the test suite; sourced, never run.
# shellcheck shell=bash

# Everything that is expensive to make and does not depend on the tree lives here, so that a fresh clone is fast.
BERTH_CACHE=${BERTH_CACHE:-/var/cache/berth}
export BERTH_CACHE

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

die() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The code name of the distribution, as its package sources spell it ("bookworm").
codename() {
  # shellcheck disable=SC1091
  (. /etc/os-release && echo "${VERSION_CODENAME:?/etc/os-release has no VERSION_CODENAME}")
}

# The package sources of this machine for the given suites, see apt_sources.py.
apt_sources() {
  python3 "$source_dir/tests/support/apt_sources.py" "$@"
}

# Runs apt-get with state of its own below DIR and only the sources of DIR/sources.list.d. It knows of no installed
# package, so that the answer does not depend on the machine; it is for looking up and downloading, not for installing.
# usage: private_apt DIR ARG...
private_apt() {
  local dir=$1
  shift
  mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,sources.list.d}
  touch "$dir/state/status"
  apt-get -q -y -o Dir::State="$dir/state" -o Dir::State::status="$dir/state/status" -o Dir::Cache="$dir/cache" \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/sources.list.d" -o APT::Sandbox::User=root \
    -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Update::Error-Mode=any "$@"
}
