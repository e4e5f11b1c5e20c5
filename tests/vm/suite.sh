#!/usr/bin/env bash
# Runs the test programs of a build on real cgroup v2, in one VM per runtime at the same time.
# usage: tests/vm/suite.sh BUILD_DIR OUT_DIR; per program OUT_DIR/RUNTIME gets NAME.log, NAME.code and NAME.seconds
set -euo pipefail
vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/support/env.sh
. "$vm_dir/../support/env.sh"

[ $# -eq 2 ] || die "usage: tests/vm/suite.sh BUILD_DIR OUT_DIR"
build_dir=$(realpath "$1")
out=$2

# Libraries that our programs need and the guest does not have; libc comes from the guest, it is of the same release.
copy_libraries() {
  local target=$1
  mkdir -p "$target"
  # ldd counts it as a failure that one of them is linked statically.
  { ldd "$build_dir"/bin/* 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libpthread|libdl|librt)\.so' | xargs -r cp -L -t "$target"
}

# Test programs know the tree and the build by absolute paths, so both appear at the same places in the guest.
stage_payload() {
  local target=$1
  mkdir -p "$target/bin"
  cp "$build_dir"/bin/* "$target/bin/"
  # Debug information is two thirds of the disk and of no use there.
  strip --strip-debug "$target"/bin/* 2>/dev/null || true
  copy_libraries "$target/lib"
  mkdir "$target/source"
  tar -C "$source_dir" --exclude=./build --exclude=./.git -cf - . | tar -C "$target/source" -xf -
  install -m 755 "$vm_dir/guest-suite" "$target/guest-suite"
  printf '%s\n' "$source_dir" >"$target/source-path"
  printf '%s\n' "$build_dir" >"$target/build-path"
}

# usage: try_part PART PAYLOAD
try_part() {
  local part=$1 payload=$2
  mkdir -p "$out/$part"
  "$vm_dir/run.sh" -t 1200 -p "$payload" -o "$out/$part" -- \
    env BERTH_TEST_FILTER="${BERTH_TEST_FILTER:-}" CI="${CI:-}" ./guest-suite "$part" 2>&1 | sed -u "s/^/[$part] /"
}

# A guest that froze has proven nothing about Berth, so its part is run again, once. Whatever fails in a living guest stays failed.
run_part() {
  local code=0
  try_part "$@" || code=$?
  if [ "$code" -eq 126 ]; then
    echo "[$1] the VM froze (see above); this part runs once more"
    code=0
    try_part "$@" || code=$?
  fi
  return "$code"
}

main() {
  local work code=0 gvisor
  work=$(mktemp -d "${TMPDIR:-/tmp}/berth-payload.XXXXXX")
  trap 'rm -rf "'"$work"'"' EXIT
  stage_payload "$work"
  run_part gvisor "$work" &
  gvisor=$!
  run_part runc "$work" || code=$?
  wait "$gvisor" || code=$?
  return "$code"
}

main
