#!/usr/bin/env bash
# Shows Berth's main job on this machine: installs what is needed, builds, starts a node with a mixed configuration and runs
# real containers on runc and gVisor. Leaves nothing behind, unless told to.
set -euo pipefail

usage() {
  cat <<'END'
Usage: sudo apps/demo.sh [--keep]

Installs what is missing, builds Berth, starts a node below a temporary directory and runs
  1. a container on runc,
  2. one in a gVisor pool,
  3. one in the gVisor pool that asks for checkpoints, and one that asks for a GPU: both are routed to runc,
  4. one that exceeds its memory limit,
and tells for each what happened and why.

  --keep   leave the node running and say how to talk to it

Examples:
  sudo apps/demo.sh
  sudo apps/demo.sh --keep
END
}

keep=false
case "${1:-}" in
  '') ;;
  --keep) keep=true ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  echo "demo: containers need root: run \`sudo apps/demo.sh\`" >&2
  exit 1
fi

cd "$(dirname "$0")/.."
source_dir=$PWD
bin=$source_dir/build/bin

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; }

title 'Set-up'
apps/setup.sh build run
[ -f build/build.ninja ] || cmake -S . -B build -G Ninja >/dev/null
ninja -C build berthd berth berth-monitor

demo=$(mktemp -d /tmp/berth-demo-XXXXXX)
node_pid=
berth() { "$bin/berth" --root "$demo/node" "$@"; }

clean_up() {
  status=$?
  trap - EXIT
  if [ -n "$node_pid" ] && kill -0 "$node_pid" 2>/dev/null; then
    berth rm -f --all >/dev/null 2>&1 || true
    kill -TERM "$node_pid" 2>/dev/null || true
    wait "$node_pid" 2>/dev/null || true
  fi
  if [ "$status" -ne 0 ] && [ -f "$demo/berthd.log" ]; then
    echo "demo: failed; the last lines of the daemon's log:" >&2
    tail -n 20 "$demo/berthd.log" >&2
  fi
  rm -rf "$demo"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# A root file system from the one static program that every container here needs.
mkdir -p "$demo/rootfs/bin" "$demo/rootfs/etc" "$demo/rootfs/tmp"
cp "$(command -v busybox)" "$demo/rootfs/bin/busybox"
for applet in $("$demo/rootfs/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$demo/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$demo/rootfs/etc/passwd"

cat >"$demo/berth.yaml" <<'END'
worker:
  containerRuntime: runc          # the default of all pools
  pools:
    standard:
      maxContainers: 50
    sandbox:
      runtime: gvisor             # untrusted code
      memory: { default: 128Mi, max: 1Gi }
END

title 'A node with two pools'
show "berthd --config berth.yaml --root $demo/node"
mkdir "$demo/node"
"$bin/berthd" --config "$demo/berth.yaml" --root "$demo/node" 2>"$demo/berthd.log" &
node_pid=$!
for _ in $(seq 300); do
  kill -0 "$node_pid" 2>/dev/null || { echo "demo: berthd ended" >&2; exit 1; }
  pools=$(berth pools -o json 2>/dev/null || true)
  case "$pools" in *'"preparing"'* | '') sleep 0.1 ;; *) break ;; esac
done
show 'berth pools'
berth pools

# usage: value ID KEY; the values of that key in what is known of a container, in their order.
value() {
  berth inspect "$1" -o json | sed -n "s/^ *\"$2\": \"\{0,1\}\([^\"]*[^\",]\)\"\{0,1\},\{0,1\}\$/\1/p"
}

# Runs a container attached, then says what became of it and why.
story() {
  id=$1 pool=$2
  shift 2
  flags=()
  while [ "$1" != -- ]; do flags+=("$1"); shift; done
  shift
  show "berth run --id $id --pool $pool ${flags[*]} --rootfs rootfs -- $*"
  code=0
  berth run --id "$id" --pool "$pool" "${flags[@]}" --rootfs "$demo/rootfs" -- "$@" || code=$?
  why=$(value "$id" reason | head -n 1)
  detail=$(value "$id" detail)
  printf '   -> %s: ran on %s in pool %s (configured: %s), because: %s (from: %s)%s\n' "$id" "$(value "$id" runtime | head -n 1)" \
    "$pool" "$(value "$id" configuredRuntime)" "$why" "$(value "$id" source)" "${detail:+: $detail}"
  printf '   -> ended: %s; exit code %s, OOM-killed: %s; berth run gave %s\n' "$(value "$id" reason | tail -n 1)" \
    "$(value "$id" code)" "$(value "$id" oomKilled)" "$code"
}

title '1. A container on runc'
story plain standard -- sh -c 'echo "hello from $(uname -sr), pid $$"; exit 3'

title '2. A container in the gVisor pool: another kernel answers'
story guest sandbox -- sh -c 'echo "hello from $(uname -sr), pid $$"'

title '3. Work that gVisor cannot do is routed to runc'
story snapshot sandbox --checkpoint -- sh -c 'echo "can be checkpointed on $(uname -sr)"'
story trainer sandbox --gpu 1 -- sh -c 'echo "GPU work on $(uname -sr)"'

title '4. A container that exceeds its memory limit'
story greedy standard --memory 32M -- sh -c 'echo "filling memory"; head -c 200m /dev/zero | tail | wc -c; x=$(head -c 200m /dev/zero | tr "\0" x)'

title 'What was told on the way'
show 'berth events --since 0 --no-follow'
berth events --since 0 --no-follow
show 'grep from the log of berthd'
grep -E 'initializing container runtime|initialized successfully|falling back|selected runtime|using runc|OOM kill' "$demo/berthd.log"

if $keep; then
  trap - EXIT
  title 'The node goes on'
  echo "Talk to it:   $bin/berth --root $demo/node ps -a"
  echo "End it:       $bin/berth --root $demo/node rm -f --all; kill $node_pid; rm -rf $demo"
else
  title 'Stopping all'
  berth rm -f --all
  berth ps -a
  kill -TERM "$node_pid"
  wait "$node_pid" || true
  node_pid=
  left=$(
    readlink /proc/[0-9]*/cwd | grep "^$demo/node" || true # monitors work in the directories of their containers
    grep "$demo/node" /proc/self/mounts || true
    find "$demo/node/run/containers" "$demo/node/state/layers" -mindepth 1
  )
  [ -z "$left" ] || { printf 'demo: this is left:\n%s\n' "$left" >&2; exit 1; }
  echo 'No process, no mount and no directory of a container is left.'
fi
