#!/usr/bin/env bash
# Runs the tests on Debian 13, whose baresip is 1.1, in a chroot of its own. Takes root, debootstrap and a network.
#   debian13.sh              make test
#   debian13.sh COMMAND...   something else, in the project's folder in the chroot
# The chroot stays in B2B_DEBIAN13 (/var/tmp/b2b-debian13) and is used again; remove it to begin anew.
set -eu
cd "$(dirname "$0")/.."

root=${B2B_DEBIAN13:-/var/tmp/b2b-debian13}
[ $# -gt 0 ] || set -- make test

[ "$(id -u)" = 0 ] || { echo "A chroot takes root: sudo make test-debian13" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }

if [ ! -e "$root/etc/b2b-ready" ]; then
  mkdir -p "$root"
  [ -e "$root/bin/sh" ] || debootstrap --variant=minbase trixie "$root"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"  # nothing that is installed may start itself
  chmod +x "$root/usr/sbin/policy-rc.d"
  chroot "$root" apt-get -o APT::Sandbox::User=root -q -y install --no-install-recommends make ca-certificates
  touch "$root/etc/b2b-ready"
fi

# The system's own ways to packages: proxies, certificates, mirrors of Python's.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
for file in /etc/apt/apt.conf.d/* /etc/pip.conf /usr/local/share/ca-certificates/*; do
  [ ! -f "$file" ] || install -D "$file" "$root$file"
done
chroot "$root" update-ca-certificates >/dev/null 2>&1 || true

# The files of this very state, over those of the last one; its virtual environment stays.
mkdir -p "$root/b2b"
find "$root/b2b" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -C "$root/b2b" -xf -

# A mount namespace, so that nothing stays mounted, whatever happens.
exec unshare --mount --propagation private sh -c '
  root=$1; shift
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"
  exec chroot "$root" env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    $(env | grep -iE "^(pip_|(http|https|no)_proxy=|ssl_cert|requests_ca|npm_config)" | tr "\n" " ") \
    sh -c "cd /b2b && exec \"\$@\"" sh "$@"
' sh "$root" "$@"
