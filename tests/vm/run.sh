#!/usr/bin/env bash
# Runs a command in a throw-away VM with cgroup v2, runc and runsc and ends with its exit code.
set -euo pipefail
vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/support/env.sh
. "$vm_dir/../support/env.sh"

usage() {
  cat <<'TEXT'
Usage: tests/vm/run.sh [-t SECONDS] [-m MIB] [-p PAYLOAD_DIR] [-o OUT_DIR] [--] COMMAND [ARG...]

Boots a VM by emulation (no KVM, so it works in any container or guest and is about 20 times slower), runs the command
with /payload as working directory and prints its output as it comes.

  -t SECONDS      ends the command after that time (default 120)
  -m MIB          memory of the VM (default 2048)
  -p PAYLOAD_DIR  copied to /payload; the shared libraries in its "lib" are found by every program
  -o OUT_DIR      what the command leaves in /out comes here, and the boot messages as "console"

One COMMAND argument is a line for bash, several are a command with its arguments.
Exit code: that of the command; 124 out of time; 125 the VM failed; 126 the guest froze.

Examples:
  tests/vm/run.sh cat /sys/fs/cgroup/cgroup.controllers
  tests/vm/run.sh -t 300 -p /tmp/payload -o /tmp/out -- './bin/kernel_tests > /out/log 2>&1'
TEXT
}

seconds=120
memory=2048
payload=
out=
watcher=
# The boot takes 5 s on a free machine; this is for one that is busy.
boot_allowance=120
# The guest says every 10 s that it lives, whatever the command does; silence means that its timers have stopped.
frozen_after=180
# A panic ends the VM, and so does the interrupt by which a frozen guest is asked where it is. Trusting the emulated clock and
# random source saves a second of the boot.
kernel_options="console=ttyS0 quiet loglevel=4 panic=-1 unknown_nmi_panic mitigations=off random.trust_cpu=on tsc=reliable no_timer_check"

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      -t | -m | -p | -o)
        [ $# -gt 1 ] || die "$1 needs a value, see --help"
        case $1 in
          -t) seconds=$2 ;;
          -m) memory=$2 ;;
          -p) payload=$2 ;;
          -o) out=$2 ;;
        esac
        shift 2
        ;;
      -h | --help) usage && exit 0 ;;
      --) shift && break ;;
      -*) die "unknown option \"$1\", see --help" ;;
      *) break ;;
    esac
  done
  [[ $seconds =~ ^[1-9][0-9]*$ && $memory =~ ^[1-9][0-9]*$ ]] || die "-t and -m take a positive number"
  [ $# -gt 0 ] || die "no command given, see --help"
  [ -z "$payload" ] || [ -d "$payload" ] || die "the payload \"$payload\" is not a directory"
  command=("$@")
}

# Disk with the payload and the command; filled without a mount.
make_payload_disk() {
  local tree=$work/payload size
  mkdir "$tree"
  [ -z "$payload" ] || cp -a --reflink=auto "$payload/." "$tree/"
  if [ ${#command[@]} -eq 1 ]; then
    printf '%s\n' "${command[0]}" >"$tree/.vm-command"
  else
    printf '%q ' "${command[@]}" >"$tree/.vm-command"
  fi
  size=$(($(du -sm "$tree" | cut -f1) * 12 / 10 + 64))
  truncate -s "${size}M" "$work/payload.ext4"
  mke2fs -q -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$tree" "$work/payload.ext4"
}

# The output of the command comes on the second serial port, which is our standard output. Both processors of the guest run in
# turns on one thread: with a thread each, QEMU 7.2 may run an instruction that the kernel has just replaced (static keys, as for
# the CPU limits of cgroups), and the guest then spins for ever in its breakpoint handler with interrupts off.
boot() {
  TMPDIR=$work timeout --foreground -k 5 $((seconds + boot_allowance)) qemu-system-x86_64 \
    -M q35 -accel tcg,thread=single,tb-size=256 -cpu max,la57=off -smp 2 -m "$memory" \
    -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$image/vmlinuz" -initrd "$image/initrd" \
    -append "$kernel_options vm.timeout=$seconds" \
    -drive "file=$image/root.ext4,if=none,id=root,format=raw,snapshot=on,cache=unsafe" \
    -drive "file=$work/payload.ext4,if=none,id=payload,format=raw,cache=unsafe" \
    -drive "file=$work/out.tar,if=none,id=out,format=raw,cache=unsafe" \
    -device virtio-blk-pci,drive=root -device virtio-blk-pci,drive=payload -device virtio-blk-pci,drive=out \
    -device virtio-rng-pci -serial "file:$work/console" -serial stdio \
    -monitor "unix:$work/monitor,server=on,wait=off" -pidfile "$work/pid" </dev/null 2>"$work/qemu.log"
}

# Ends a guest in which nothing moves any more, with what can be learned about it in $work/frozen.
watch_guest() {
  local size=-1 seen=0 quiet=0
  while sleep 10; do
    grep -q '^vm-ready' "$work/console" 2>/dev/null || continue
    seen=$(stat -c %s "$work/console")
    if [ "$seen" -ne "$size" ]; then
      size=$seen
      quiet=0
      continue
    fi
    quiet=$((quiet + 10))
    [ "$quiet" -ge "$frozen_after" ] || continue
    python3 "$vm_dir/ask_qemu.py" "$work/monitor" >"$work/frozen" 2>&1 || true
    sleep 5
    kill -KILL "$(cat "$work/pid")" || true
    return
  done
}

collect_output() {
  local tree=${out:-$work/out}
  mkdir -p "$tree"
  tar -C "$tree" -xf "$work/out.tar" 2>/dev/null || true
  tr -d '\r' <"$work/console" >"$tree/console" 2>/dev/null || true
  exit_code=$(cat "$tree/exit-code" 2>/dev/null || true)
}

main() {
  local boot_code=0 started=$SECONDS
  parse_arguments "$@"
  command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86_64 not found; run: sudo apps/setup.sh test"
  image=$("$vm_dir/image.sh")
  work=$(mktemp -d "${TMPDIR:-/tmp}/berth-vm.XXXXXX")
  # The watcher may have ended, which must not end this.
  trap '[ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true; rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  make_payload_disk
  truncate -s 256M "$work/out.tar"
  # Away from our output, whose reader must not wait for a last sleep.
  watch_guest >/dev/null 2>&1 &
  watcher=$!
  boot || boot_code=$?
  collect_output
  if [ -z "$exit_code" ]; then
    awk '!/^vm-alive/ { print; next } { last = $0 } END { print last }' "$work/console" | tail -n 60 >&2
    tail -n 25 "$work/qemu.log" >&2
    if [ -e "$work/frozen" ]; then
      cat "$work/frozen" >&2
      echo "vm: the guest has not moved for $frozen_after s; the state of its processors is above" >&2
      exit 126
    fi
    [ "$boot_code" -ne 124 ] || { echo "vm: out of time after $((SECONDS - started)) s" >&2 && exit 124; }
    echo "vm: ended without an exit code (QEMU: $boot_code); the last lines of its console are above" >&2
    exit 125
  fi
  [ "$exit_code" -ne 124 ] || echo "vm: the command took more than $seconds s" >&2
  exit "$exit_code"
}

main "$@"
