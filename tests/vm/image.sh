#!/usr/bin/env bash
# Makes the image of the test VM (kernel, initial RAM disk, root file system) once and prints the directory it is in.
#
# Everything comes from the package sources of this machine and matches its release, so that binaries built here run
# there. No loop device and no mount of the host is used: mke2fs fills the file system from a directory.
set -euo pipefail
vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/support/env.sh
. "$vm_dir/../support/env.sh"

# What tests may use in the guest; libraries of our own binaries travel with the payload instead.
guest_packages=mount,runc,runsc,criu,iptables,busybox-static,iproute2,procps,jq,curl
# Loaded before the root file system is there; the guest has no other modules.
guest_modules=(virtio_pci virtio_blk virtio_rng overlay)
# CRIU asks the kernel for sockets, and closes the network of what it saves.
guest_modules+=(inet_diag tcp_diag udp_diag raw_diag unix_diag netlink_diag af_packet_diag tun veth nft_compat xt_mark nf_conntrack_netlink)

usage() {
  cat <<'TEXT'
Usage: tests/vm/image.sh [--rebuild]

Prints the directory with vmlinuz, initrd and root.ext4; makes them first when they are missing or when the scripts
that make them have changed. Takes a minute or two then, nothing afterwards. The cache is in $BERTH_CACHE
(/var/cache/berth).
TEXT
}

say() { echo "vm image: $*" >&2; }

image_key() {
  {
    codename
    cat "$vm_dir/image.sh" "$vm_dir/guest-init" "$vm_dir/initrd-init"
  } | sha256sum | cut -c1-16
}

# Prints the sources of the release itself, its updates and its security fixes.
release_sources() {
  local release
  release=$(codename)
  apt_sources "$release" "$release-updates" "$release-security"
}

# Unpacks the newest cloud kernel to $1/kernel and prints its version. Installing it would change the host's /boot.
unpack_kernel() {
  local work=$1 meta version
  meta=linux-image-cloud-$(dpkg --print-architecture)
  mkdir -p "$work/apt/sources.list.d"
  release_sources >"$work/apt/sources.list.d/release.sources"
  private_apt "$work/apt" update >&2
  # shellcheck disable=SC2016  # the pattern is sed's
  version=$(private_apt "$work/apt" --print-uris --no-install-recommends install "$meta" |
    sed -n "s/^'[^']*' linux-image-\([0-9][^_]*\)_.*/\1/p" | head -n 1)
  [ -n "$version" ] || die "the package sources offer no kernel by the name of $meta"
  (cd "$work/apt" && private_apt "$work/apt" download "linux-image-$version" >&2)
  dpkg-deb -x "$work/apt/linux-image-${version}"_*.deb "$work/kernel"
  depmod -b "$work/kernel" "$version"
  echo "$version"
}

make_initrd() {
  local work=$1 version=$2 tree=$1/initrd.d module file
  mkdir -p "$tree"/{bin,dev,root,modules}
  cp /bin/busybox "$tree/bin/"
  install -m 755 "$vm_dir/initrd-init" "$tree/init"
  for module in "${guest_modules[@]}"; do
    # The output is a list of "insmod PATH" in the order of the dependencies.
    modprobe -d "$work/kernel" -S "$version" -D "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
    cp "$file" "$tree/modules/"
    basename "$file" >>"$tree/modules/order"
  done
  (cd "$tree" && find . | cpio -o -H newc --quiet) >"$work/image/initrd"
}

make_root() {
  local work=$1 tree=$1/root.d size
  # How this machine reaches its mirror (proxy, certificates, clock checks) holds for the image too.
  apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries)' >"$work/acquire.conf" || true
  mmdebstrap --quiet --variant=essential --include="$guest_packages" --aptopt="$work/acquire.conf" \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$(codename)" "$tree" "$work/apt/sources.list.d/release.sources" >&2
  rm -rf "$tree"/var/{cache/apt,lib/apt/lists} "${tree:?}"/dev/* "$tree/etc/resolv.conf"
  install -m 755 "$vm_dir/guest-init" "$tree/sbin/guest-init"
  mkdir -p "$tree"/{payload,out}
  # Twice the content and half a gigabyte to write to; the file is sparse.
  size=$(($(du -sm "$tree" | cut -f1) * 2 + 512))
  truncate -s "${size}M" "$work/image/root.ext4"
  mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,root_owner=0:0 -m 0 -d "$tree" "$work/image/root.ext4"
}

make_image() {
  local work=$1 version started=$SECONDS
  mkdir "$work/image"
  say "fetching a kernel"
  version=$(unpack_kernel "$work")
  cp "$work/kernel/boot/vmlinuz-$version" "$work/image/vmlinuz"
  make_initrd "$work" "$version"
  say "kernel $version; installing a system into a directory (about a minute)"
  make_root "$work"
  say "done in $((SECONDS - started)) s: $(du -sh "$work/image" | cut -f1) in $BERTH_CACHE"
}

main() {
  local target rebuild=no
  case ${1:-} in
    "") ;;
    --rebuild) rebuild=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "the test VM is made for Debian on amd64"
  mkdir -p "$BERTH_CACHE"
  target=$BERTH_CACHE/vm-$(image_key)
  exec 9>"$BERTH_CACHE/vm.lock"
  flock -w 900 9 || die "another run has been making the image for 15 minutes; end it or remove $BERTH_CACHE/vm.lock"
  if [ "$rebuild" = yes ] || [ ! -e "$target/root.ext4" ]; then
    [ "$(id -u)" -eq 0 ] || die "making the image needs root; run it with sudo"
    work=$(mktemp -d "$BERTH_CACHE/making-vm.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    # Not in a condition, so that the shell stops at the first command that fails.
    make_image "$work"
    rm -rf "$target"
    mv "$work/image" "$target"
    # Images of scripts as they were a month ago will not be asked for again.
    find "$BERTH_CACHE" -maxdepth 1 -name 'vm-*' -type d -mtime +30 -exec rm -rf {} +
  fi
  touch "$target"
  echo "$target"
}

main "$@"
