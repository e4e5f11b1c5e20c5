#!/usr/bin/env bash
# Measures, in one run and side by side, what recording costs: nanoseconds a message between two actors, and launches a second,
# with recording off, on for those who ask, and on for everything. Prints medians and ratios; asserts nothing.
set -euo pipefail

usage() {
  cat <<'END'
Usage: sudo tests/bench/trace.sh [ROUNDS [LAUNCHES]]

  ROUNDS     how often each way is measured, in turns (default 12)
  LAUNCHES   launches in each round (default 20)

Example:
  sudo tests/bench/trace.sh 20 50
END
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
if [ "$(id -u)" -ne 0 ]; then
  echo "trace.sh: containers need root: run \`sudo tests/bench/trace.sh\`" >&2
  exit 1
fi
cd "$(dirname "$0")/../.."
apps/setup.sh build run
cmake -S . -B build -G Ninja -DBERTH_TESTS=ON >/dev/null
ninja -C build berthd berth berth-monitor inside trace_bench >/dev/null
BERTH_BENCH_ROUNDS=${1:-12} BERTH_BENCH_LAUNCHES=${2:-20} exec build/bin/trace_bench
