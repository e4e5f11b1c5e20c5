#!/usr/bin/env bash
# shellcheck disable=SC2317  # the stages are called by name
# Sets the machine up, builds Berth and runs every test; see --help.
set -uo pipefail
# shellcheck source=tests/support/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/support/env.sh"

usage() {
  cat <<'TEXT'
Usage: sudo tests/run.sh [--quick] [--no-vm] [-k PATTERN] [-j N]

Installs what is missing, builds, and runs the tests on the fake runtime, on runc, on the gVisor of the distribution
and of its backports, under the sanitizers, and on cgroup v2 in a VM. The last line is "N passed, N failed, N skipped";
the exit code is 0 when nothing failed.

  --quick      only unit and actor tests, without sanitizers; needs no root on a prepared machine
  --no-vm      leaves the VM out (it takes about a third of the time)
  -k PATTERN   only test cases whose name contains PATTERN
  -j N         processes to build and test with (default: one per processor)

Environment: CI=true makes everything that would be skipped a failure. BERTH_CACHE (default /var/cache/berth) keeps
the compiler cache, the VM image and the newer runsc; it may be kept between runs and shared by all trees.
Logs of all stages stay in build/test-logs.

Examples:
  sudo tests/run.sh                    # everything
  tests/run.sh --quick -k selection    # the unit tests on selection, in seconds
  sudo tests/run.sh --no-vm -k OOM     # whatever is about OOM, on this machine only
TEXT
}

quick=no
with_vm=yes
pattern=
jobs=$(nproc)

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --quick) quick=yes ;;
      --no-vm) with_vm=no ;;
      -k | -j)
        [ $# -gt 1 ] || die "$1 needs a value, see --help"
        case $1 in
          -k) pattern=$2 ;;
          -j) jobs=$2 ;;
        esac
        shift
        ;;
      -h | --help) usage && exit 0 ;;
      *) die "unknown option \"$1\", see --help" ;;
    esac
    shift
  done
  [[ $jobs =~ ^[1-9][0-9]*$ ]] || die "-j takes a positive number"
}

build_dir=$source_dir/build
logs=$build_dir/test-logs
programs=(berthd berth berth-monitor unit_tests actor_tests kernel_tests conformance_tests e2e_tests)
# Programs that are built and run with the sanitizers: no processes of others, so that only our code is measured. Unit tests
# have one thread, where the thread sanitizer has nothing to find.
asan_programs=(unit_tests actor_tests)
tsan_programs=(actor_tests)

# -- stages ------------------------------------------------------------------------------------------------------------

set_up() {
  if [ "$quick" = yes ]; then
    "$source_dir/apps/setup.sh" build test
  else
    "$source_dir/apps/setup.sh"
  fi
}

fetch_runsc() {
  "$source_dir/tests/support/fetch_runsc.sh"
}

instrument_caf() {
  "$source_dir/tests/support/instrument_caf.sh"
}

make_vm_image() {
  "$source_dir/tests/vm/image.sh"
}

# usage: configure DIR [OPTION...]
configure() {
  local dir=$1
  shift
  cmake -S "$source_dir" -B "$dir" -G Ninja -DBERTH_TESTS=ON -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@"
}

build_product() {
  local targets=(all launch_bench swap_bench) program
  [ "$quick" = no ] || targets=(unit_tests actor_tests)
  configure "$build_dir" -DBERTH_TEST_RUNSC="$newer_runsc" && ninja -C "$build_dir" -j "$jobs" "${targets[@]}" || return
  [ "$quick" = no ] || return 0
  for program in "${programs[@]}"; do
    [ -x "$build_dir/bin/$program" ] || { echo "the build does not give bin/$program" && return 1; }
  done
}

check_headers() {
  ninja -C "$build_dir" -j "$jobs" all_verify_interface_header_sets
}

check_catch3() {
  "$source_dir/tests/support/check_catch3.sh"
}

# Line numbers are all that a report needs, and a good part of the time goes into optimizing.
sanitizer_flags=-DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1"
# With the address sanitizer the optimizer takes more than half of the time to compile (46 instead of 20 s for one of the larger files).
unoptimized_flags=-DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O0 -g1"

build_asan() {
  configure "$build_dir/asan" -DBERTH_SANITIZE=address,undefined "$unoptimized_flags" &&
    ninja -C "$build_dir/asan" -j "$jobs" "${asan_programs[@]}"
}

build_tsan() {
  configure "$build_dir/tsan" -DBERTH_SANITIZE=thread "$sanitizer_flags" -DCAF_CORE_LIBRARY="$instrumented_caf" &&
    ninja -C "$build_dir/tsan" -j "$jobs" "${tsan_programs[@]}"
}

# usage: run_ctest STAGE DIR JOBS CTEST_OPTION...
run_ctest() {
  local stage=$1 dir=$2 parallel=$3 code=0
  shift 3
  ctest --test-dir "$dir" -j "$parallel" --output-on-failure --no-tests=error --output-junit "$logs/$stage.xml" \
    --test-output-size-passed 1000000 --test-output-size-failed 10000000 "$@" || code=$?
  python3 "$source_dir/tests/support/tally.py" "$stage" "$logs/$stage.xml" >>"$tally" || code=1
  return "$code"
}

test_unit() {
  run_ctest unit "$build_dir" "$jobs" -L '^unit$'
}

# Everything on this machine that starts processes or containers, on each runtime.
test_host() {
  run_ctest host "$build_dir" "$jobs" -LE '^(unit|vm|bench)$'
}

# How much slower a program with a sanitizer is; the tests stretch their patience by it.
sanitizer_slowdown=5

test_asan() {
  BERTH_TEST_SLOWDOWN=$sanitizer_slowdown ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    LSAN_OPTIONS=suppressions=$source_dir/tests/support/lsan.supp:print_suppressions=0 \
    run_ctest asan "$build_dir/asan" "$jobs" -L '^unit$'
}

test_tsan() {
  BERTH_TEST_SLOWDOWN=$sanitizer_slowdown TSAN_OPTIONS=second_deadlock_stack=1 run_ctest tsan "$build_dir/tsan" "$jobs" -R '^actors$'
}

test_vm() {
  local out=$logs/vm code=0
  rm -rf "$out"
  "$source_dir/tests/vm/suite.sh" "$build_dir" "$out" || code=$?
  python3 "$source_dir/tests/support/tally.py" vm "$out"/*/*.log >>"$tally" || code=1
  return "$code"
}

# -- running them ------------------------------------------------------------------------------------------------------

stage_group=
watcher=
stop_everything() {
  local group
  for group in $stage_group $watcher; do
    kill -TERM -- "-$group" 2>/dev/null
  done
  echo "interrupted" >&2
  exit 130
}

# Says every half minute that a stage is alive and ends it when it takes too long.
watch_stage() {
  local group=$1 title=$2 limit=$3 started=$SECONDS
  while sleep 30; do
    printf '        %s: %d s so far\n' "$title" $((SECONDS - started))
    if [ $((SECONDS - started)) -ge "$limit" ]; then
      printf '        %s: ended, it may take %d s at most\n' "$title" "$limit"
      kill -TERM -- "-$group" 2>/dev/null
      sleep 10
      kill -KILL -- "-$group" 2>/dev/null
    fi
  done
}

# What failed may be far above the end, which is often the log of a node.
show_failure() {
  grep -nE 'FAILED:|error:|warning:' -A12 "$1" | head -n 200
  echo "..."
  tail -n 60 "$1"
}

# usage: run_stage NAME TITLE LIMIT_SECONDS; runs the function NAME with its output in a log of that name.
run_stage() {
  local name=$1 title=$2 limit=$3 log=$logs/$1.log started=$SECONDS code
  stage_number=$((stage_number + 1))
  printf '[%2d] %s ...\n' "$stage_number" "$title"
  # Job control gives the stage a process group of its own, so that all of it can be ended.
  set -m
  "$name" >"$log" 2>&1 </dev/null &
  stage_group=$!
  watch_stage "$stage_group" "$title" "$limit" &
  watcher=$!
  set +m
  wait "$stage_group"
  code=$?
  kill -TERM -- "-$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  stage_group=
  watcher=
  if [ "$code" -eq 0 ]; then
    printf '     ok, %d s\n' $((SECONDS - started))
    stage_lines+=("$(printf '%-34s %-8s %5d s' "$title" ok $((SECONDS - started)))")
    return 0
  fi
  printf '     FAILED (exit code %d), %d s; the end of %s:\n' "$code" $((SECONDS - started)) "$log"
  show_failure "$log" | sed 's/^/     | /'
  stage_lines+=("$(printf '%-34s %-8s %5d s' "$title" FAILED $((SECONDS - started)))")
  return 1
}

# A stage without results of its own counts as one case when it fails, for then something was not tested.
run_step() {
  run_stage "$@" && return 0
  printf '%s\t%s\t0\t1\t0\t0\n' step "$1" >>"$tally"
  return 1
}

# A stage of tests that failed without a failed case (a crash of the runner) is still a failure.
run_tests() {
  local stage=${1#test_}
  run_stage "$@" && return 0
  awk -F '\t' -v stage="$stage" '$1 == stage { failed += $4 } END { exit !failed }' "$tally" ||
    printf '%s\t%s\t0\t1\t0\t0\n' "$stage" "$1" >>"$tally"
  return 1
}

skip_stage() {
  local name=$1 title=$2 reason=$3 verdict=skipped
  printf '[--] %s: skipped, %s\n' "$title" "$reason"
  if [ "${CI:-}" = true ]; then
    verdict=FAILED
    printf '%s\t%s\t0\t1\t0\t0\n' step "$name" >>"$tally"
  else
    printf '%s\t%s\t0\t0\t1\t0\n' step "$name" >>"$tally"
  fi
  stage_lines+=("$(printf '%-34s %-8s %s' "$title" "$verdict" "$reason")")
}

stage_number=0
stage_lines=()
newer_runsc=
instrumented_caf=

print_summary() {
  local line
  echo
  printf '%-10s %-28s %7s %7s %7s %9s\n' stage program passed failed skipped seconds
  awk -F '\t' '{ printf "%-10s %-28s %7d %7d %7d %9.1f\n", $1, $2, $3, $4, $5, $6 }' "$tally"
  echo
  for line in "${stage_lines[@]}"; do
    echo "$line"
  done
  printf '%-34s %-8s %5d s\n\n' total "" "$SECONDS"
}

# Prints the closing line and ends with the exit code that goes with it.
finish() {
  print_summary
  awk -F '\t' '{ passed += $3; failed += $4; skipped += $5 }
    END {
      # No case at all means a pattern that matches nothing, or tests that are not there.
      if (passed + failed == 0) failed = 1
      printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
      exit failed > 0
    }' "$tally"
  exit
}

run_everything() {
  run_step set_up "set-up" 1200 || finish
  if run_stage fetch_runsc "runsc of the backports" 600; then
    newer_runsc=$(tail -n 1 "$logs/fetch_runsc.log")
  else
    skip_stage fetch_runsc "tests on the newer runsc" "it cannot be fetched, see above"
  fi
  run_step build_product "build" 1800 || finish
  run_step check_headers "every header alone" 900
  run_step check_catch3 "tests compile with Catch2 3" 900
  run_tests test_unit "unit and actor tests" 600
  run_tests test_host "kernel, runtimes, end to end" 1500
  run_step build_asan "build with address, undefined" 1800 && run_tests test_asan "address and undefined sanitizer" 900
  if run_stage instrument_caf "CAF with the thread sanitizer" 1200; then
    instrumented_caf=$(tail -n 1 "$logs/instrument_caf.log")
    run_step build_tsan "build with thread" 1800 && run_tests test_tsan "thread sanitizer" 900
  else
    skip_stage test_tsan "thread sanitizer" "CAF cannot be built for it, see above"
  fi
  if [ "$with_vm" = no ]; then
    skip_stage test_vm "cgroup v2 in a VM" "--no-vm was given"
  else
    run_step make_vm_image "image of the VM" 900 && run_tests test_vm "cgroup v2 in a VM" 2400
  fi
}

run_quick() {
  run_step set_up "set-up" 1200 || finish
  run_step build_product "build" 1800 || finish
  run_tests test_unit "unit and actor tests" 600
}

main() {
  parse_arguments "$@"
  if [ "$quick" = no ] && [ "$(id -u)" -ne 0 ]; then
    die "the tests start containers, which needs root; run: sudo tests/run.sh (or without root: tests/run.sh --quick)"
  fi
  if [ "$(id -u)" -ne 0 ] && [ ! -w "$BERTH_CACHE" ]; then
    BERTH_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/berth
  fi
  mkdir -p "$logs" "$BERTH_CACHE"
  # Two clones of the tree share what they compile, though their paths differ.
  export CCACHE_DIR=$BERTH_CACHE/ccache CCACHE_BASEDIR=$source_dir CCACHE_NOHASHDIR=true CCACHE_MAXSIZE=2G
  export BERTH_TEST_FILTER=$pattern
  tally=$logs/tally.tsv
  : >"$tally"
  trap stop_everything INT TERM
  if [ "$quick" = yes ]; then
    run_quick
  else
    run_everything
  fi
  finish
}

main "$@"
