#!/usr/bin/env bash
# Measures, in one run and side by side: bare `runc create` + `runc start` against a launch by Berth on the same bundle, the
# time from an OOM kill to a subscriber, and the memory of the idle processes. Prints medians, p99 and ratios; asserts nothing.
set -euo pipefail

usage() {
  cat <<'END'
Usage: sudo tests/bench/launch.sh [LAUNCHES [KILLS]]

  LAUNCHES   pairs of launches to compare (default 200)
  KILLS      OOM kills of main processes, and as many of children (default 50)

Example:
  sudo tests/bench/launch.sh 500 100
END
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
if [ "$(id -u)" -ne 0 ]; then
  echo "launch.sh: containers need root: run \`sudo tests/bench/launch.sh\`" >&2
  exit 1
fi
cd "$(dirname "$0")/../.."
apps/setup.sh build run
cmake -S . -B build -G Ninja -DBERTH_TESTS=ON >/dev/null
ninja -C build berthd berth berth-monitor inside launch_bench >/dev/null
BERTH_BENCH_LAUNCHES=${1:-200} BERTH_BENCH_KILLS=${2:-50} exec build/bin/launch_bench
