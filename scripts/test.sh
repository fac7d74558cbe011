#!/usr/bin/env bash
# Runs every test of every module. What this machine lacks is installed if it
# may be, and otherwise named at the end, test by test; with REQUIRE_ALL=1 a
# missing tool is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
for mod in shared functions/* cmd/*; do packages+=("./$mod/..."); done

work=$(mktemp -d)
groups=()
finish() {
	for g in "${groups[@]}"; do kill -- "-$g" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT

lacking=()

# provide COMMAND PACKAGE… installs packages that have a command, if it is not
# there and may be installed.
updated=
provide() {
	local command=$1
	shift
	command -v "$command" >/dev/null && return
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
	[ -n "$updated" ] || apt-get update -q </dev/null || true
	updated=yes
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" </dev/null || true
}
command -v chromium-browser google-chrome >/dev/null || provide chromium chromium
provide npm npm
provide php php-cli php-sqlite3

# The race detector needs a C compiler.
race=(-race)
provide "$(go env CC)" gcc libc6-dev
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null; then
	race=()
	lacking+=("a C compiler: the tests ran without the race detector")
fi

# answers PORT asks who listens there for its root, as both emulators answer it.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && head -c 12 <&3 | grep -q ' 200') 2>/dev/null; }

# emulator VARIABLE COMMAND… starts an emulator that all tests share, unless the
# environment names one; without gcloud each test says what it lacks.
emulator() {
	local variable=$1 port
	shift
	[ -z "${!variable:-}" ] && command -v gcloud >/dev/null || return 0
	for _ in 1 2 3; do
		port=$((20000 + RANDOM % 20000))
		setsid gcloud "$@" --quiet "--host-port=127.0.0.1:$port" >"$work/$variable.log" 2>&1 </dev/null &
		groups+=($!)
		for _ in $(seq 120); do
			if answers "$port"; then
				export "$variable=127.0.0.1:$port"
				return 0
			fi
			kill -0 "$!" 2>/dev/null || break
			sleep 0.5
		done
	done
	cat "$work/$variable.log" >&2
	return 1
}
emulator FIRESTORE_EMULATOR_HOST emulators firestore start
emulator PUBSUB_EMULATOR_HOST beta emulators pubsub start --project=citasync-local

# Tests that wait, for a lease to end or a process to start, wait side by side.
status=0
export NOT_RUN=$work/not-run
touch "$NOT_RUN"
go test "${race[@]}" -shuffle=on -count=1 -parallel 8 -timeout 30m "${packages[@]}" || status=$?

while read -r line; do lacking+=("$line"); done <"$NOT_RUN"
for l in "${lacking[@]}"; do echo "NOT RUN for want of $l"; done
if [ "${#lacking[@]}" -gt 0 ] && [ "${REQUIRE_ALL:-}" = 1 ]; then
	echo "REQUIRE_ALL=1: what is lacking is a failure" >&2
	exit 1
fi
exit "$status"
