# SPDX-License-Identifier: GPL-2.0-or-later
# Which Debian packages each part of Limpet needs, and how they get there.
# Sourced by ./run; a package a part uses and does not name here is a bug.

packages_build="gcc meson ninja-build pkg-config libc6-dev libsystemd-dev libjansson-dev
	liburcu-dev libmnl-dev libcap-ng-dev scdoc"
packages_guests="util-linux qemu-system-x86 busybox-static linux-image-cloud-amd64"
packages_check="$packages_build $packages_guests clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev
	libcmocka-dev python3 python3-pytest python3-scapy iproute2 libcap2-bin bash-completion
	procps git"
packages_demo="$packages_build $packages_guests python3"
packages_bench="$packages_build python3 iproute2 mount util-linux git"
packages_bench_vhost="$packages_bench coreutils dpdk-dev openvswitch-switch-dpdk"
packages_fuzz="$packages_build clang-14 libclang-rt-14-dev"

# need_packages NAME...: installs those that are missing, saying so; does
# nothing, and needs no privilege, when all are there.
need_packages()
{
	local missing=() package sudo=()

	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "run: these Debian packages are missing, and there is no sudo to install them: ${missing[*]}" >&2
			return 1
		}
		sudo=(sudo)
	fi

	echo "run: installing from Debian's packages: ${missing[*]}"
	"${sudo[@]}" apt-get -qq update >/dev/null || true
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends "${missing[@]}" >/dev/null || {
		echo "run: apt-get could not install: ${missing[*]}" >&2
		return 1
	}
}
