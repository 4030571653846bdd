#!/usr/bin/env bash
# Lists the outside tools that tests compare with and that are not here. With CI=true that fails.
set -u
missing=()
for tool in skopeo umoci fsverity bsdtar tar python3 cfsctl; do
  command -v "$tool" >/dev/null 2>&1 || [ -x "$HOME/.cargo/bin/$tool" ] || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "not here, so the tests that compare with them are skipped: ${missing[*]} (make tools installs them)"
  if [ "${CI:-}" = true ]; then
    exit 1
  fi
fi
exit 0
