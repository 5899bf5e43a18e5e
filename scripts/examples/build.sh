#!/bin/sh
# What buildbox.toml runs: build.sh TARGET JOBS. It builds nothing.
set -eu
case $1 in
all | docs) ;;
*)
	echo "build: there is no target $1" >&2
	exit 2
	;;
esac
echo "building $1 with $2 jobs" | tee build.log
printf '{"%s": "ok"}\n' "$1" >results.json.new
mv results.json.new results.json
