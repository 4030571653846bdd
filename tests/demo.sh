#!/usr/bin/env bash
# The tour: an image made of this machine's own files goes in, is looked at, and comes back.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:-target/demo}

step() { printf '\n\033[1m%s\033[0m\n' "$1"; }
run() { printf "$ lazaret %s\n" "$*" >&2; "$lazaret" --repo "$dir/repo" "$@"; }

step 'Building (the first time takes a few minutes)'
cargo build --release --locked -p lazaret -p lazaret-layouts
lazaret=$PWD/target/release/lazaret

step 'Packing files of this machine into a two-layer OCI layout: gzip and zstd, with whiteouts'
rm -rf "$dir"
mkdir -p "$dir"
target/release/lazaret-layouts --out "$dir/layout" --tag demo --first gzip --second zstd /usr

step 'Pulling it: every digest verified, tar parsed in the sandbox'
run pull "oci:$dir/layout:demo" --tag demo --keep-compressed
run images
run info

step 'Looking inside: the first layer'\''s etc/demo/hidden is gone, etc/demo/emptied is empty'
run ls demo etc/demo -l -R
run cat demo etc/demo/link

step 'Rebuilding the first layer, bit for bit'
diff_id=$("$lazaret" --repo "$dir/repo" inspect demo --config \
  | grep -o '"diff_ids":\["sha256:[0-9a-f]*"' | grep -o 'sha256:[0-9a-f]*')
run cat --blob "$diff_id" > "$dir/layer.tar"
found=sha256:$(sha256sum < "$dir/layer.tar" | cut -d' ' -f1)
echo "promised by the config: $diff_id"
echo "rebuilt from the store: $found"
[ "$diff_id" = "$found" ]

step 'Giving the whole image back, into another layout: the same manifest, the same digest'
pulled=$("$lazaret" --repo "$dir/repo" inspect demo --manifest | sha256sum | cut -d' ' -f1)
pushed=$(run push demo "oci:$dir/given-back:demo")
echo "$pushed"
[ "$pushed" = "sha256:$pulled" ]
diff -r "$dir/layout/blobs" "$dir/given-back/blobs"

step 'Checking the repository; then what a collection would free if the image had no name'
run fsck
run tag demo keep
run untag demo
run untag keep
run gc --dry-run
run pull "oci:$dir/layout:demo" --tag demo
run gc
echo
echo "All well. The repository is $dir/repo; try: $lazaret --repo $dir/repo --help"
