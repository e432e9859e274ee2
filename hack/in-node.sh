#!/usr/bin/env bash
# Runs a command beside a real node with a real gateway and a real broker, with the images of this checkout in it:
#
#   hack/in-node.sh COMMAND [ARGUMENT…]
#
# `make e2e-node` and `make demo` use it, and have built before what it needs: inside there is no way out to a registry.
# The command finds SERIN_GATEWAY and SERIN_BROKER (address:port), and SERIN_WORKER (the example's program).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly address=10.99.0.1 port=5672
target=${SERIN_TARGET:?is not set: run this by make}
worker=$(compgen -G "$target/*/release/queue-worker" | head -n 1)
images=()
for image in serin queue-worker-v1 queue-worker-v2 web-app-v1 web-app-v2; do
  images+=(--image "$target/image/$image.tar")
done
# cargo, when it runs this as a runner of tests, has put its own libraries there.
unset LD_LIBRARY_PATH
scratch=$(mktemp -d "${TMPDIR:-/tmp}/serin-broker.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
"$target/debug/cluster" run --node --gateway "${images[@]}" -- \
  env SERIN_BROKER="$address:$port" SERIN_WORKER="$worker" \
  examples/queue-worker/broker.sh run "$scratch" "$port" "$address" -- "$@"
