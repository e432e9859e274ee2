# Everything is done by these targets, by people and by CI alike. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:

# need(program, how to get it): one clear line instead of a stranger's error.
need = command -v $(1) >/dev/null || { echo "make: $(1) is not on PATH: $(2)" >&2; exit 1; }
need_rust = $(call need,cargo,install Rust (https://rustup.rs)); \
  $(call need,cc,install a C compiler (Debian: apt-get install gcc libc6-dev; Fedora: dnf install gcc; macOS: xcode-select --install))
need_go = test -d "$${SERIN_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/serin}/cluster" || \
  $(call need,go,install Go 1.26 or newer (https://go.dev/dl)$(comma) it builds the test cluster once)
comma := ,

can_node = cargo run --quiet --package serin-cluster -- can-node
can_broker = { test -x /usr/lib/rabbitmq/bin/rabbitmq-server || command -v rabbitmq-server >/dev/null || \
  { echo "no rabbitmq-server (Debian: apt-get install rabbitmq-server)"; false; }; }

# Where cargo builds: asked of cargo, since a user's configuration may say so.
target_dir = $(shell cargo metadata --format-version 1 --no-deps --offline 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
# The operator that tests and demo run; built from this checkout unless SERIN_BIN names another.
with_serin = SERIN_BIN="$(abspath $(or $(SERIN_BIN),$(target_dir)/debug/serin))"
in_cluster = cargo run --quiet --package serin-cluster -- run --
in_node = SERIN_TARGET="$(target_dir)" hack/in-node.sh

##@ Use

# Without DEMO_CLUSTER: on a real node where this machine can be one, else on a real control plane with fake nodes.
.PHONY: demo
demo: rust ## Play the two scenarios (DEMO_CLUSTER=node, kwok, or current: the current context, after asking; DEMO=--auto: ask nothing)
	@case "$(or $(DEMO_CLUSTER),any)" in \
	  current) $(MAKE) build && $(with_serin) DEMO_CLUSTER=current bash hack/demo.sh;; \
	  kwok) $(MAKE) demo-kwok;; \
	  node) $(MAKE) demo-node;; \
	  any) if $(can_node) && $(can_broker); then $(MAKE) demo-node; else $(MAKE) demo-kwok; fi;; \
	  *) echo "make: DEMO_CLUSTER is $(DEMO_CLUSTER): it may be node, kwok or current" >&2; exit 1;; \
	esac

.PHONY: demo-kwok
demo-kwok: cluster build
	@$(with_serin) DEMO_CLUSTER=own $(in_cluster) bash hack/demo.sh

.PHONY: demo-node
demo-node: node image example-images
	cargo build --package serin-node
	@$(in_node) "$(target_dir)/debug/demo" $(DEMO)

# In order of what is quickest to fail. `cluster` builds what the stages after it run on.
STAGES := fmt-check lint layers gen-check unit build cluster kit-test chart-test e2e node-test proof-test demo-test

.PHONY: test
test: tools ## Everything that must pass; tells the minutes of each stage
	@took() { printf '%3d min %2d s  %s' $$((($$SECONDS - $$1) / 60)) $$((($$SECONDS - $$1) % 60)) "$$2"; }; \
	all=$$SECONDS; times=""; \
	for stage in $(STAGES); do \
	  began=$$SECONDS; echo "=== $$stage"; \
	  $(MAKE) $$stage || { echo "=== FAILED: $$(took $$began $$stage)" >&2; exit 1; }; \
	  time=$$(took $$began $$stage); times+="$$time"$$'\n'; echo "=== passed: $$time"; \
	done; \
	printf '=== every stage passed:\n%s%s\n' "$$times" "$$(took $$all "in all")"

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

##@ Build

.PHONY: build
build: rust ## The operator, as tests and demo use it
ifdef SERIN_BIN
	@test -x "$(SERIN_BIN)" || { echo "make: SERIN_BIN is $(SERIN_BIN), which is no program" >&2; exit 1; }
else
	cargo build --package serin
endif

.PHONY: release
release: rust ## The operator, optimised
	cargo build --release --package serin

.PHONY: cluster
cluster: tools ## The programs of the test cluster: minutes the first time, nothing later
	cargo build --package serin-cluster
	@cargo run --quiet --package serin-cluster -- build

.PHONY: node
node: cluster ## The programs of a real node and a real gateway (Linux, root): minutes the first time
	@cargo run --quiet --package serin-cluster -- build --gateway

.PHONY: image
image: rust ## The operator's container image as an OCI archive, without docker (IMAGE=--help for its options)
	@$(call need,git,the image names the commit that it is built from)
	cargo run --quiet --package xtask -- image $(IMAGE)

.PHONY: example-images
example-images: rust ## The images of the example application, in two versions
	@cargo run --quiet --package xtask -- example-images

.PHONY: gen
gen: rust ## Write what is generated from the sources: the CRD, the reference
	cargo run --quiet --package xtask -- gen

##@ Check

.PHONY: fmt
fmt: rust ## Format the sources
	cargo fmt --all

.PHONY: fmt-check
fmt-check: rust ## Are the sources formatted?
	cargo fmt --all --check

.PHONY: lint
lint: rust ## Clippy, with no warning left
	cargo clippy --workspace --all-targets -- --deny warnings

# One workspace build hides what a crate borrows from its neighbours, so each is checked alone.
.PHONY: layers
layers: rust ## Do the pure crates stand alone, with no I/O below them?
	cargo check --package serin-api
	cargo check --package serin-engine
	cargo check --package serin-world
	@for crate in serin-api serin-engine serin-world; do \
	  tree=$$(cargo tree --edges normal --prefix none --package $$crate); \
	  if grep -E '^(tokio|hyper|hyper-util|tower|kube-client|kube-runtime|rustls) ' <<<"$$tree" | sort -u; then \
	    echo "make: $$crate must not depend on these: I/O belongs into crates/serin" >&2; exit 1; \
	  fi; \
	done

.PHONY: gen-check
gen-check: rust ## Is what is generated up to date?
	cargo run --quiet --package xtask -- gen --check

.PHONY: unit
unit: rust ## The tests that need no cluster: seconds for table and property tests, minutes to build
	cargo test --workspace --exclude serin-cluster --exclude serin-e2e --exclude serin-node --exclude serin-bench
	cargo test --package serin-node --bin proof

.PHONY: kit-test
kit-test: cluster ## The tests of the test cluster itself
	cargo test --package serin-cluster

.PHONY: chart-test
chart-test: cluster build ## The Helm chart, rendered, refused where wrong, installed and uninstalled on a cluster
	@$(with_serin) $(in_cluster) bash charts/serin/tests/chart.sh

.PHONY: e2e
e2e: cluster build ## The operator on a real control plane
	$(with_serin) cargo test --package serin-e2e

.PHONY: proof-lag
proof-lag: cluster build ## No request fails behind a gateway that is 8 s late with routes and 18 s with endpoints (minutes)
	$(with_serin) cargo test --package serin-e2e --test proof -- --nocapture

.PHONY: e2e-node
e2e-node: node image example-images ## The operator on a real node: real requests through a gateway, a real queue (Linux, root, rabbitmq-server)
	SERIN_TARGET="$(target_dir)" cargo --config "target.'cfg(all())'.runner = ['$(CURDIR)/hack/in-node.sh']" \
	  test --package serin-node --test all -- --test-threads=1 --nocapture $(TESTS)

# In the node's namespaces nothing can be built.
.PHONY: proof
proof: node image example-images ## Canaries, aborts, kills and a tool that applies the route, under load: what is promised, counted (three quarters of an hour; PROOF=--help)
	cargo build --package serin-node
	@$(in_node) "$(target_dir)/debug/proof" $(PROOF)

.PHONY: node-test
node-test: cluster ## e2e-node where the machine can; with SERIN_REQUIRE_NODE=1 it has to
	@if [ -n "$${SERIN_REQUIRE_NODE:-}" ] || { $(can_node) && $(can_broker); }; \
	then $(MAKE) e2e-node; else echo "make: the tests on a real node are left out"; fi

# Two canaries and one of each other scene: less than ten minutes.
.PHONY: proof-test
proof-test: cluster ## A part of the proof where the machine can; with SERIN_REQUIRE_NODE=1 it has to
	@if [ -n "$${SERIN_REQUIRE_NODE:-}" ] || { $(can_node) && $(can_broker); }; \
	then $(MAKE) proof PROOF="--percent 10"; else echo "make: the proof on a real node is left out"; fi

.PHONY: demo-test
demo-test: ## The demos, which fail if they show anything else than they say
	@DEMO_CLUSTER=kwok $(MAKE) demo
	@if [ -n "$${SERIN_REQUIRE_NODE:-}" ] || { $(can_node) && $(can_broker); }; then DEMO_CLUSTER=node DEMO=--auto $(MAKE) demo; fi

.PHONY: deny
deny: rust ## Licences, advisories and banned crates (needs cargo-deny)
	@$(call need,cargo-deny,cargo install --locked cargo-deny)
	cargo deny check

.PHONY: sim
sim: rust ## Play random stories against the operator (SEEDS=100000 TURNS=200 FIRST=0; less than an hour on two cores)
	cargo run --package serin-stories -- run --stories $(or $(SEEDS),100000) --turns $(or $(TURNS),200) --first $(or $(FIRST),0)

.PHONY: sim-exhaustive
sim-exhaustive: rust ## Look at every state of small worlds, with one thing going wrong at most (STATES=20000000 for each, ONLY=text)
	cargo run --package serin-stories -- exhaustive --states $(or $(STATES),20000000) --only "$(ONLY)"

.PHONY: sim-mutants
sim-mutants: rust ## Break the operator on purpose and tell which story finds it
	cargo run --package serin-stories -- defects

# The table first, which is quick, then all verbs and random stories for what it leaves. Code 2: some are left. Code 3:
# some ended only by the clock, as loops without an end do, and so were found too.
mutate = cargo mutants --package serin-engine --output "$(target_dir)" --colors never
.PHONY: mutants
mutants: rust ## Break the engine in a thousand ways: a test has to find each (an hour; MUTANTS=--help for its options)
	@$(call need,cargo-mutants,cargo install --locked cargo-mutants)
	$(mutate) -C=--lib -C=--test=table $(MUTANTS) || [[ $$? == [23] ]]
	PROPTEST_CASES=64 $(mutate) -C=--test=verbs -C=--test=stories --iterate $(MUTANTS) || [[ $$? == 3 ]]

.PHONY: bench
bench: cluster ## How fast and how small the operator is, on a real control plane (BENCH=--help for its options)
	cargo build --release --package serin --package serin-bench
	@SERIN_BIN="$(abspath $(or $(SERIN_BIN),$(target_dir)/release/serin))" "$(target_dir)/release/serin-bench" $(BENCH)

##@ Tidy

.PHONY: clean-cache
clean-cache: ## Remove the built programs of the test cluster; they take minutes to come back
	rm -rf "$${SERIN_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/serin}/cluster"

.PHONY: rust tools
rust:
	@$(need_rust)
tools: rust
	@$(need_go)
