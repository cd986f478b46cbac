#!/usr/bin/env bash
# Fetches the pinned modules into GOMODCACHE; go.sum holds their hashes. The vendor's go.mod asks for
# a newer Go than Debian 12 packages: say so instead of failing on its syntax.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
need=go$(sed -n 's/^go //p' "$here/go.mod")
have=$(go env GOVERSION)
if [ "$(printf '%s\n%s\n' "$need" "$have" | sort -V | head -n 1)" != "$need" ]; then
  echo "the client needs $need, here is $have (Debian 12 packages Go 1.19)"
  exit 1
fi
cd "$here"
exec go mod download
