# What the scripts need of a machine, and how they get it. To be sourced, with
# $root set.
#
# A script defines a function needs, which calls functions need_... of this file.
# They note what is missing; set_up gets it.

packages= # names of missing Debian packages
devices=  # missing devices

missing() {
	echo "${0##*/}: missing: $1" >&2
	exit 1
}

# set_up installs what needs finds missing, and ends the script with one line if
# something is still missing then.
set_up() {
	need_go
	needs
	[ -n "$packages$devices" ] || return 0
	install_missing
	packages='' devices=''
	needs
	[ -z "$packages" ] || missing "packages; as root: apt-get install $packages"
	for device in $devices; do
		missing "$device; as root: modprobe ${device##*/}, chmod 666 $device; in a container: --device $device --cap-add SYS_ADMIN"
	done
}

# install_missing gets $packages and $devices, as root or through sudo. It asks
# first if there is a terminal.
install_missing() {
	[ -z "$packages" ] || command -v apt-get >/dev/null || return 0
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || return 0
	if [ -t 0 ]; then
		# shellcheck disable=SC2086 # lists of words
		echo "${0##*/}: to install as root:" $packages $devices >&2
		printf 'Go on? [Y/n] ' >&2
		read -r answer || answer=n
		case $answer in '' | [Yy]*) ;; *) return 0 ;; esac
		as_root true || return 0 # so that sudo refuses once
	elif [ "$(id -u)" != 0 ]; then
		sudo -n true 2>/dev/null || return 0 # nobody is there to type a password
	fi
	if [ -n "$packages" ]; then
		as_root apt-get update -q >&2 || true # others of its sources may do
		# shellcheck disable=SC2086 # a list of words
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages >&2 || true
	fi
	for device in $devices; do
		# A container may have what the kernel offers and no device for it.
		as_root modprobe "${device##*/}" 2>/dev/null || true
		case $device in
		/dev/fuse) minor=229 ;;
		/dev/net/tun) minor=200 ;;
		esac
		[ -e "$device" ] || as_root mkdir -p "${device%/*}" || true
		[ -e "$device" ] || as_root mknod "$device" c 10 "$minor" 2>/dev/null || true
		as_root chmod 666 "$device" 2>/dev/null || true # as udev leaves it
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# add PACKAGE... notes packages, each once.
add() {
	for package; do
		case " $packages " in
		*" $package "*) ;;
		*) packages=${packages:+$packages }$package ;;
		esac
	done
}

# need_go: Go, new enough. An older one fetches the right one by itself,
# unless it is told not to or has no network.
need_go() {
	if [ -z "${HOME:-}" ]; then # Go keeps its caches there
		HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
		export HOME
	fi
	command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
	command -v go >/dev/null || missing "Go 1.26 or later: https://go.dev/dl/"
	version=$(go -C "$root" env GOVERSION 2>/dev/null) || version=$(go version | cut -d' ' -f3)
	case $version in
	go1.[0-9] | go1.[0-9].* | go1.[0-9][a-z]* | go1.1[0-9]* | go1.2[0-5]*)
		missing "Go 1.26 or later, this is $version: https://go.dev/dl/" ;;
	esac
	# Go fails where git refuses to look at a clone that another user owns.
	GOFLAGS="$(go env GOFLAGS) -buildvcs=false"
	export GOFLAGS
}

# need_modules: what Go takes to fetch the modules that nomfs is built from, if
# it does not have them.
need_modules() {
	[ -e /etc/ssl/certs/ca-certificates.crt ] || go -C "$root" list -deps ./... >/dev/null 2>&1 ||
		add ca-certificates
}

# need_cc: a C compiler, which the race detector needs.
need_cc() {
	cc=$(go -C "$root" env CC)
	# shellcheck disable=SC2086 # CC may carry flags
	echo 'int main(void){return 0;}' | ${cc:-gcc} -x c -o /dev/null - 2>/dev/null ||
		add gcc libc6-dev
}

# need_fuse: what a real mount takes.
need_fuse() {
	need_device /dev/fuse
	[ "$(id -u)" = 0 ] || need_tools fusermount3:fuse3
}

# need_device PATH: a device that can be opened.
need_device() {
	[ -c "$1" ] && (exec 3<>"$1") 2>/dev/null || devices="$devices $1"
}

# need_tools NAME:PACKAGE...: programs, each with the package that brings it.
need_tools() {
	for pair; do
		command -v "${pair%%:*}" >/dev/null || add "${pair#*:}"
	done
}

# has_modules DIR: whether what the module in DIR requires is here, or can be
# fetched. If not, it says so.
has_modules() {
	why=$(go -C "$root/$1" list -deps -test ./... 2>&1 >/dev/null) && return
	case $why in
	*"go.sum"* | *"go.mod"*)
		echo "$1: $why" >&2
		exit 1 ;;
	esac
	echo "$1: what it requires cannot be fetched, so nothing was done there: $why"
	return 1
}
