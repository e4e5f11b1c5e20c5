#!/usr/bin/env bash
# Installs the distribution packages that Berth needs. Run again at will: what is there is not touched.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: apps/setup.sh [GROUP...]

Installs distribution packages with apt-get (root, Debian 12 or a near relative).
Without a group all of them are set up.

Groups:
  build   compiler, CMake and the libraries Berth is built with
  run     the container runtimes runc and runsc (gVisor), and busybox for root file systems
  test    what the test suite needs besides: QEMU, mmdebstrap, curl, jq, Python, systemd-analyze, promtool

Examples:
  sudo apps/setup.sh                # everything
  sudo apps/setup.sh build run      # what the demo needs
TEXT
}

packages_of() {
  case $1 in
    build)
      echo g++ cmake ninja-build ccache libcaf-dev libyaml-cpp-dev libspdlog-dev nlohmann-json3-dev \
        catch2 libcpp-httplib-dev libcli11-dev libexpected-dev libssl-dev libsqlite3-dev
      ;;
    run) echo runc runsc busybox-static ;;
    # Of prometheus only promtool is used.
    test) echo qemu-system-x86 mmdebstrap cpio kmod e2fsprogs curl jq python3 python3-yaml systemd prometheus ;;
    *) return 1 ;;
  esac
}

die() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
  local package
  for package in $(packages_of "$1"); do
    is_installed "$package" || echo "$package"
  done
}

# Turns apt's machine-readable status into at most one line every three seconds.
show_progress() {
  local name percent text next=0
  while IFS=: read -r _ name percent text; do
    if [ "$SECONDS" -ge "$next" ]; then
      printf 'setup:   %3.0f%% %s\n' "${percent%%.*}" "${text:-$name}"
      next=$((SECONDS + 3))
    fi
  done
}

run_apt() {
  local log
  log=$(mktemp)
  # A second apt run on the machine (unattended upgrades) is waited for instead of failing.
  if ! DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    -o APT::Status-Fd=9 -o Dpkg::Use-Pty=0 "$@" 9> >(show_progress) </dev/null >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    rm -f "$log"
    die "apt-get $1 failed, see above; check /etc/apt/sources.list.d and the network, then run this again"
  fi
  rm -f "$log"
}

index_is_fresh=no
refresh_index() {
  [ "$index_is_fresh" = no ] || return 0
  echo "setup: refreshing the package index"
  run_apt update
  index_is_fresh=yes
}

check_available() {
  local package absent=()
  for package in "$@"; do
    apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || absent+=("$package")
  done
  [ ${#absent[@]} -eq 0 ] || die "this system's package sources do not offer: ${absent[*]} (Berth is made for" \
    "Debian 12; on Ubuntu enable \"universe\", or install these by hand)"
}

# The package of promtool brings a server along, which would be started now and by every boot.
policy=/usr/sbin/policy-rc.d
install_without_services() {
  local is_ours=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    is_ours=yes
    # shellcheck disable=SC2064  # the value of now
    trap "rm -f '$policy'" EXIT
  fi
  run_apt install --no-install-recommends "$@"
  if [ "$is_ours" = yes ]; then
    rm -f "$policy"
    trap - EXIT
  fi
  if [[ " $* " == *" prometheus "* ]] && command -v systemctl >/dev/null; then
    systemctl disable --quiet prometheus.service 2>/dev/null || true
  fi
}

install_group() {
  local group=$1 missing started=$SECONDS
  mapfile -t missing < <(missing_of "$group")
  if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: $group: all packages are installed"
    return
  fi
  refresh_index
  check_available "${missing[@]}"
  echo "setup: $group: installing ${missing[*]}"
  if [ "$group" = test ]; then
    install_without_services "${missing[@]}"
  else
    run_apt install --no-install-recommends "${missing[@]}"
  fi
  echo "setup: $group: done in $((SECONDS - started)) s"
}

main() {
  local group groups=("$@")
  [ ${#groups[@]} -gt 0 ] || groups=(build run test)
  for group in "${groups[@]}"; do
    case $group in
      -h | --help) usage && exit 0 ;;
    esac
    packages_of "$group" >/dev/null || {
      usage >&2
      die "unknown group \"$group\" (known: build, run, test)"
    }
  done
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
    die "apt-get not found: Berth's set-up works on Debian 12 and its relatives; install the packages by hand"
  for group in "${groups[@]}"; do
    # Nothing to install needs no privilege, so a prepared machine can be checked by anybody.
    if [ "$(id -u)" -ne 0 ] && [ -n "$(missing_of "$group")" ]; then
      die "installing the packages of group \"$group\" needs root; run: sudo $0 ${groups[*]}"
    fi
    install_group "$group"
  done
}

main "$@"
