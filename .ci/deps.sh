#!/usr/bin/env bash
# Installs the Debian packages that b2b needs and that are not there yet.
#   deps.sh            install them, as root or by sudo; needs neither when all is there
#   deps.sh --check    only name what is missing; exit code 1 when something is
#   deps.sh --tests    install also what only the tests need
#   deps.sh --report   install also what makes the Allure page
#   deps.sh --bench    install also what the benchmarks compare with, and what they listen to
# PYTHON names the interpreter to use, python3 unless set.
set -eu

python=${PYTHON:-python3}
wanted=${1:-}
missing=()

# What counts is that the thing works here, wherever it came from: a baresip or a Python of one's own is as good.
need() {  # PACKAGE COMMAND...
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

look() {
  missing=()
  need baresip-core command -v baresip
  need alsa-utils command -v aplay
  need ffmpeg command -v ffmpeg
  need make command -v make
  need python3 "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'
  need python3-venv "$python" -c 'import ensurepip, venv'  # Debian keeps ensurepip in a package of its own
  case $wanted in
    --tests | --report)
      need nodejs command -v node  # Allure 3 is an npm package
      need npm command -v npm
      ;;
  esac
  if [ "$wanted" = --bench ]; then
    need libspandsp2 "$python" -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("spandsp"))'
    need multimon-ng command -v multimon-ng
    need espeak-ng command -v espeak-ng
    need tshark command -v tshark
    local sounds=/usr/share/asterisk/sounds
    need asterisk-core-sounds-en-wav test -e $sounds/en_US_f_Allison/hello-world.wav
    need asterisk-core-sounds-es-wav test -e $sounds/es_MX_f_Allison/hello-world.wav
    need asterisk-core-sounds-fr-wav test -e $sounds/fr_CA_f_June/hello-world.wav
    need asterisk-core-sounds-it-wav test -e $sounds/it_IT_m_Carlo/hello-world.wav
    need asterisk-core-sounds-ru-wav test -e $sounds/ru_RU_f_IvrvoiceRU/hello-world.wav
    need asterisk-moh-opsound-wav test -e /usr/share/asterisk/moh/reno_project-system.wav
  fi
  [ "$wanted" = --tests ] || return 0
  PATH=$PATH:/usr/sbin need nftables command -v nft  # drops packets of a call
  need sip-tester command -v sipp  # other people's devices
  need libnet-sip-perl perl -MNet::SIP -e 1
  PATH=$PATH:/usr/sbin need kamailio command -v kamailio
  need rtpengine-daemon command -v rtpengine
  PATH=$PATH:/usr/sbin need openssh-server command -v sshd  # other machines, and the way there
  PATH=$PATH:/usr/sbin need iproute2 command -v ip
  need build-essential bash -c 'gcc -E - <<< "#include <stdlib.h>"'  # of pesq there is only the source
  need python3-dev "$python" -c 'import os, sysconfig; open(os.path.join(sysconfig.get_paths()["include"], "Python.h"))'
  need chromium command -v chromium  # opens the pages
  need libfaketime bash -c 'ls /usr/lib/*/faketime/libfaketime.so.1'  # makes calls that go faster than their sound
}

give_up() {
  echo "$*" >&2
  exit 1
}

quietly() {  # shows what a command printed only when it failed
  "$@" >"$log" 2>&1 </dev/null && return
  cat "$log" >&2
  return 1
}

look
[ ${#missing[@]} -gt 0 ] || exit 0
install="apt-get install --no-install-recommends ${missing[*]}"
[ "$wanted" != --check ] || give_up "Missing packages: ${missing[*]}. To install them: sudo $install"
command -v apt-get >/dev/null || give_up "Missing: what Debian calls ${missing[*]}. Please install it by this system's own means."
if [ "$(id -u)" = 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo env)
else
  give_up "Missing packages, and neither root nor sudo to install them. As root, type: $install"
fi

# Debian starts the daemons that it installs; a proxy, a relay or a way in of ours is for the tests to start.
policy=/usr/sbin/policy-rc.d
policy_made=
daemons=()
let_none_start() {
  local package
  for package in "${missing[@]}"; do
    case $package in
      openssh-server) daemons+=(ssh) ;;
      kamailio | rtpengine-daemon) daemons+=("$package") ;;
    esac
  done
  [ ${#daemons[@]} -gt 0 ] && [ ! -e $policy ] || return 0
  policy_made=yes
  "${as_root[@]}" sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh $policy
}

clean_up() {
  rm -f "$log"
  [ -z "$policy_made" ] || "${as_root[@]}" rm -f $policy
  [ ${#daemons[@]} -eq 0 ] || ! command -v systemctl >/dev/null || "${as_root[@]}" systemctl -q disable "${daemons[@]}" || true
}

echo "Installing ${missing[*]}"
log=$(mktemp)
trap clean_up EXIT
let_none_start
apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
quietly "${apt[@]}" update || true  # one broken source among many is no reason to stop
quietly "${apt[@]}" install --no-install-recommends "${missing[@]}" || give_up "Could not install: ${missing[*]}"

look
[ ${#missing[@]} -eq 0 ] ||
  give_up "Still missing after installing: ${missing[*]}. b2b needs Python 3.10 or later with venv; PYTHON=... names another one."
