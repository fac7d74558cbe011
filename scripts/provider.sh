#!/usr/bin/env bash
# Makes Terraform and its Google provider ready and prints, for eval, what names
# them: TERRAFORM and TF_CLI_CONFIG_FILE. The provider comes from its registry, or
# is built from source where that can't be reached: a few minutes and 3 GB of
# memory, once. Both are kept in the user's cache and used again.
set -euo pipefail
cd "$(dirname "$0")/.."

# The source is that of the version, as the Go module proxy serves it. Terraform
# after 1.8 can't be installed as a Go module: its own asks for folders beside it.
readonly version=8.0.0
readonly source=github.com/hashicorp/terraform-provider-google@v1.20.1-0.20260828184646-f3721fb45fa3
readonly terraform_source=github.com/hashicorp/terraform@v1.8.5

readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/citasync/terraform
readonly mirror=$cache/google-$version-${source##*-}

say() { echo "provider.sh: $*" >&2; }

# A run that is broken off leaves nothing but its own temporary directory.
mkdir -p "$cache"
tmp=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# install DIR MODULE [FLAG…] installs a Go program into a directory.
install() {
	command -v go >/dev/null || { say "Go is missing, with which $2 would be built"; return 1; }
	GOBIN=$1 GOFLAGS=-buildvcs=false GOWORK=off go install "${@:3}" "$2" >&2
}

# find_terraform prints where Terraform is, and builds it if it is nowhere.
find_terraform() {
	type -P terraform && return
	local built=$cache/${terraform_source##*@}/terraform
	if [ ! -x "$built" ]; then
		say "no terraform on the PATH: building $terraform_source"
		install "$tmp/terraform" "$terraform_source" -ldflags='-s -w' || return
		place "$tmp/terraform" "$(dirname "$built")" || return
	fi
	echo "$built"
}

# place DIR TARGET moves a finished directory to its place, unless another run
# has been faster.
place() { mv -T "$1" "$2" 2>/dev/null || [ -d "$2" ]; }

# download fetches the provider as its registry has it, for a mirror.
download() {
	mkdir "$tmp/download"
	timeout 120 "$TERRAFORM" -chdir="$tmp/config" providers mirror "$tmp/download" >"$tmp/log" 2>&1
}

# build makes the same mirror from source. The address of the registry, which a
# mirror's folders are named for, is asked of Terraform.
build() {
	say "the provider's registry can't be reached: building $source"
	local host
	host=$("$TERRAFORM" -chdir="$tmp/config" providers | sed -n 's|.*provider\[\(.*\)/hashicorp/google\].*|\1|p' | head -n 1)
	[ -n "$host" ] || { say "terraform providers does not name the provider's registry"; return 1; }
	local dir=$tmp/build/$host/hashicorp/google/$version/$(go env GOOS)_$(go env GOARCH)
	mkdir -p "$dir"
	install "$dir" "$source" -ldflags="-s -w -X ${source%@*}/version.ProviderVersion=$version"
	mv "$dir/terraform-provider-google" "$dir/terraform-provider-google_v$version"
}

# configure writes what makes Terraform look in the mirror and nowhere else.
configure() {
	printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$mirror" >"$tmp/config.tfrc"
	mv "$tmp/config.tfrc" "$cache/config.tfrc"
}

TERRAFORM=$(find_terraform)
if [ ! -d "$mirror" ]; then
	unset TF_CLI_CONFIG_FILE
	mkdir "$tmp/config"
	cp terraform/versions.tf "$tmp/config/"
	if download; then
		place "$tmp/download" "$mirror"
	else
		build
		place "$tmp/build" "$mirror"
	fi
fi
configure
printf 'export TERRAFORM=%q TF_CLI_CONFIG_FILE=%q\n' "$TERRAFORM" "$cache/config.tfrc"
