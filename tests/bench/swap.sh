#!/usr/bin/env bash
# Measures changes of the configuration of a running node, idle and under a load of eight clients: how long their phases take,
# and what the launches notice of them, beside what launches go through when nothing is changed. Prints medians, p99 and
# ratios; asserts nothing.
set -euo pipefail

usage() {
  cat <<'END'
Usage: sudo tests/bench/swap.sh [SWAPS [SECONDS [STARTS]]]

  SWAPS      changes of each kind, idle and again under load: of a limit, runc to gVisor, gVisor to runc (default 20)
  SECONDS    of load, over which the changes are spread; more if they take longer (default 480)
  STARTS     maxConcurrentStarts of the pool (default 0, which is twice the number of processors)

Example:
  sudo tests/bench/swap.sh 5 60
END
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
if [ "$(id -u)" -ne 0 ]; then
  echo "swap.sh: containers need root: run \`sudo tests/bench/swap.sh\`" >&2
  exit 1
fi
cd "$(dirname "$0")/../.."
apps/setup.sh build run
cmake -S . -B build -G Ninja -DBERTH_TESTS=ON >/dev/null
ninja -C build berthd berth berth-monitor inside swap_bench >/dev/null
BERTH_BENCH_SWAPS=${1:-20} BERTH_BENCH_SECONDS=${2:-480} BERTH_BENCH_STARTS=${3:-0} exec build/bin/swap_bench
