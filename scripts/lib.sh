# What the scripts need of a machine. Each function says in one line what is
# missing and how to get it. To be sourced, with $root set.

missing() {
	echo "${0##*/}: missing: $1" >&2
	exit 1
}

# need_go: Go, new enough. An older one fetches the right one by itself,
# unless it is told not to or has no network.
need_go() {
	command -v go >/dev/null || missing "Go 1.26 or later: https://go.dev/dl/"
	version=$(go -C "$root" env GOVERSION 2>/dev/null) || version=$(go version | cut -d' ' -f3)
	case $version in
	go1.[0-9] | go1.[0-9].* | go1.[0-9][a-z]* | go1.1[0-9]* | go1.2[0-5]*)
		missing "Go 1.26 or later, this is $version: https://go.dev/dl/" ;;
	esac
}

# need_cc: a C compiler, which the race detector needs.
need_cc() {
	cc=$(go -C "$root" env CC)
	# shellcheck disable=SC2086 # CC may carry flags
	echo 'int main(void){return 0;}' | ${cc:-gcc} -x c -o /dev/null - 2>/dev/null ||
		missing "a C compiler, for go test -race: apt-get install gcc libc6-dev"
}

# need_fuse: what a real mount takes.
need_fuse() {
	[ -e /dev/fuse ] || missing "/dev/fuse: modprobe fuse; in a container, --device /dev/fuse --cap-add SYS_ADMIN"
	if [ "$(id -u)" != 0 ]; then
		command -v fusermount3 >/dev/null || missing "fusermount3, to mount without being root: apt-get install fuse3"
	fi
}

# need_tools NAME:PACKAGE...: programs that the tests run inside a mount.
need_tools() {
	for pair; do
		command -v "${pair%%:*}" >/dev/null || missing "${pair%%:*}: apt-get install ${pair#*:}"
	done
}

# has_modules DIR: whether what the module in DIR requires is here, or can be
# fetched. If not, it says so.
has_modules() {
	go -C "$root/$1" list -deps -test ./... >/dev/null 2>&1 && return
	echo "$1: what it requires cannot be fetched, so nothing was done there"
	return 1
}
