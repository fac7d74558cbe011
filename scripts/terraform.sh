#!/usr/bin/env bash
# Checks the Terraform configuration without Google: its form, whether it is
# valid, its tests at a stand-in for Google, and what no test there can see. It
# works on a copy, so that an operator's state and settings stay out of it.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
unset "${!TF_VAR_@}" TF_WORKSPACE TF_CLI_ARGS

ready=$(scripts/provider.sh)
eval "$ready"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TF_DATA_DIR=$work/data

copy() {
	mkdir -p "$work/terraform/tests/packages" "$work/docs"
	cp -R docs/playbooks "$work/docs/"
	cp -R terraform/*.tf terraform/*.json terraform/*.rules terraform/modules "$work/terraform/"
	cp -R terraform/tests/*.hcl terraform/tests/mocks terraform/tests/source "$work/terraform/tests/"
	for function in functions/*/; do # a package's content is of no account here
		basename "$function" >"$work/terraform/tests/packages/$(basename "$function").zip"
	done
}

# logged TEXT reports whether the code that is deployed has a text in it.
logged() { grep -rqF --include='*.go' --exclude='*_test.go' -e "$1" shared functions; }

# messages finds what an alert counts that no code logs (any more). A message may
# be put together from a beginning and a status, as in "delivery "+string(status).
messages() {
	local status=0 message
	while read -r message; do
		logged "\"$message\"" || { logged "\"${message% *} \"+string(" && logged "\"${message##* }\""; } || {
			echo "terraform/logging.tf counts \"$message\", which no code logs" >&2
			status=1
		}
	done < <(grep -E 'jsonPayload\.message' terraform/logging.tf | grep -oE '"[^"$]+"' | tr -d '"')
	while read -r key; do
		logged "\"$key\"" || { echo "terraform/logging.tf reads \"$key\", which no code logs" >&2; status=1; }
	done < <(grep -oE 'jsonPayload\.[a-z_]+|labels +=.*' terraform/logging.tf | sed 's/jsonPayload\.//' | grep -oE '[a-z_]+' | grep -vx labels | sort -u)
	logged '"notice ' || { echo 'terraform/logging.tf counts errors that begin with "notice "; there are none' >&2; status=1; }
	logged '"publish event' || { echo 'terraform/logging.tf counts errors that begin with "publish event"; there are none' >&2; status=1; }
	return "$status"
}

# foundation runs the test of the first step by itself, and looks whether a
# function is deployed in it: none can be as long as the secrets have no value.
foundation() {
	"$TERRAFORM" test -no-color -verbose -filter=tests/foundation.tftest.hcl >"$work/foundation.log" 2>&1 || {
		cat "$work/foundation.log"
		return 1
	}
	if grep -E '^# .*(google_cloudfunctions2_function|google_secret_manager_secret_version)' "$work/foundation.log"; then
		echo "the first step of a deployment must not ask for what only the second can have" >&2
		return 1
	fi
	tail -n 1 "$work/foundation.log"
}

"$TERRAFORM" fmt -check -diff -recursive terraform || { echo "terraform fmt -recursive terraform mends that" >&2; exit 1; }
messages
copy
cd "$work/terraform"
"$TERRAFORM" init -backend=false -input=false -no-color >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; exit 1; }
"$TERRAFORM" validate -no-color
foundation
rm tests/foundation.tftest.hcl # it has passed
"$TERRAFORM" test -no-color
