#!/usr/bin/env bash
# Plays the two scenarios of the documentation, shows what happens while it happens, and checks it.
#
# `make demo` runs it in a cluster of its own, which ends with it. `DEMO_CLUSTER=current make demo` runs it in the
# cluster of the current kubeconfig context, in a namespace of its own, after asking; what it made is removed again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PATIENCE=120 # seconds for one step, images pulled included
readonly NEW_WEB=kostiscodefresh/summer-of-k8s-app:v2
readonly NEW_WORKER=argoproj/rollouts-demo:green

bold="" dim="" red="" green="" plain=""
if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

say() { printf '%s\n' "$@"; }
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
die() {
  printf '%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# ---------------------------------------------------------------- before anything is touched

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || die "bash 4.4 or newer is needed (macOS: brew install bash)"
for tool in kubectl helm awk; do
  command -v "$tool" >/dev/null || die "$tool is not on PATH: install it, or play the demo in a cluster of its own by \`make demo\`"
done
serin=${SERIN_BIN:?is not set: run this by \`make demo\`}
[[ -x "$serin" ]] || die "$serin is not there: run this by \`make demo\`, which builds it"

case "${DEMO_CLUSTER:-own}" in
  own)
    [[ -n "${SERIN_AUDIT_LOG:-}" ]] || die "this is no cluster of the demo's own: run this by \`make demo\`"
    namespace=default system=serin-system values=()
    ;;
  current)
    # Nothing but the CRD outside of this namespace.
    namespace=serin-demo system=serin-demo values=(--set "watchNamespace=serin-demo,rbac.aggregateRoles=false")
    ;;
  *) die "DEMO_CLUSTER is ${DEMO_CLUSTER@Q}: it may be \`own\` (the default) or \`current\`" ;;
esac

# ---------------------------------------------------------------- the end, whichever way it comes

work=$(mktemp -d "${TMPDIR:-/tmp}/serin-demo.XXXXXX")
started=$SECONDS
operator="" watchers=() installed=""

# Each job is a process group, and ends with all that it has started.
set -m
stop() {
  [[ -n "$1" ]] || return 0
  kill -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

clean_up() {
  status=$?
  trap - EXIT
  trap '' INT TERM
  [[ $status -ne 0 && $status -lt 128 && -s "$work/operator.log" ]] && {
    say "" "The operator's last words:"
    tail -n 20 "$work/operator.log"
  } >&2
  for watcher in "${watchers[@]}"; do stop "$watcher"; done
  [[ -n "$installed" && "${DEMO_CLUSTER:-own}" = current ]] && remove_everything
  stop "$operator"
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The Rollouts go first, while the operator is there to let go of them.
remove_everything() {
  title "Removing what the demo made"
  {
    kubectl -n "$namespace" delete rollouts.serin.dev --all --timeout=60s &&
      helm uninstall serin --namespace "$system" --wait &&
      kubectl delete namespace "$namespace" --timeout=120s &&
      kubectl delete customresourcedefinition rollouts.serin.dev --timeout=60s
  } || say "demo: namespace $namespace and the CRD rollouts.serin.dev are still there; please look after them" >&2
}

# ---------------------------------------------------------------- small words

k() { kubectl -n "$namespace" "$@"; }

# Shows a command, then runs it.
run() {
  local shown="" word
  for word in "$@"; do
    if [[ "$word" =~ ^[A-Za-z0-9_./:=@,-]+$ ]]; then shown+=" $word"; else shown+=" '$word'"; fi
  done
  printf '%s$%s%s\n' "$bold" "$shown" "$plain"
  "$@" >"$work/output" 2>&1 || {
    cat "$work/output" >&2
    die "that failed"
  }
}

now() { date +%s.%N; }

# What the Rollout says that it waits for, with a moment to read it.
tell_wait() {
  sleep 0.5 # behind the line that shows the pause
  k get rollouts.serin.dev "$1" -o \
    jsonpath="${dim}{range .status.waitingFor[*]}It waits for {.what}: {.message}{\"\n\"}  to go on: {.unblock}{\"\n\"}{end}$plain"
  sleep 1.5
}

# until_is NAME JSONPATH VALUE [JSONPATH VALUE]…: waits until every field of the Rollout has its value.
until_is() {
  local name=$1 path="" wanted="" answer="" deadline=$((SECONDS + PATIENCE))
  shift
  while [[ $# -gt 0 ]]; do
    path+="{$1};" wanted+="$2;"
    shift 2
  done
  until answer=$(k get rollouts.serin.dev "$name" -o jsonpath="$path") && [[ "$answer" = "$wanted" ]]; do
    kill -0 "$operator" 2>/dev/null || die "the operator has ended"
    [[ $SECONDS -lt $deadline ]] || {
      k get rollouts.serin.dev "$name" -o yaml >&2
      die "after $PATIENCE s $name is still at $answer instead of $wanted"
    }
    sleep 0.2
  done
}

passed=0 failed=0
check() {
  if eval "$2"; then
    passed=$((passed + 1))
    printf '  %syes%s  %s\n' "$green" "$plain" "$1"
  else
    failed=$((failed + 1))
    printf '  %sNO%s   %s\n       %s\n' "$red" "$plain" "$1" "${3:-}"
  fi
}

# ---------------------------------------------------------------- the live view

# follow TAG KIND ARGUMENTS…: one line into the pipe for each change of an object.
follow() {
  local tag=$1
  shift
  (
    # One watch lives for minutes, the demo may take longer.
    while :; do
      k get "$@" --watch --output-watch-events 2>/dev/null | while IFS= read -r line; do
        printf '%s|%s\n' "$tag" "$line"
      done
    done
  ) >"$work/changes" &
  watchers+=($!)
}

# view NAME ROUTE STABLE CANARY: prints a line whenever weights, Services, Rollout or pods change.
view() {
  local name=$1 route=$2 stable=$3 canary=$4
  local weight='.object.spec.rules[0].backendRefs[?(@.name=="%s")].weight'
  # shellcheck disable=SC2059
  local weights="{$(printf "$weight" "$stable")}/{$(printf "$weight" "$canary")}{\"\n\"}"
  say "${dim}weights: of the stable and the canary Service in $route; stable: what the stable Service selects$plain"
  # shellcheck disable=SC2059
  printf "  $dim$columns$plain\n" seconds weights stable phase step pods
  rm -f "$work/changes"
  mkfifo "$work/changes"
  show "$name" <>"$work/changes" &
  watchers+=($!)
  follow route httproutes "$route" -o jsonpath="$weights"
  follow service services "$stable" -o jsonpath='{.object.spec.selector.rollouts-pod-template-hash}{"\n"}'
  follow rollout rollouts.serin.dev "$name" \
    -o jsonpath='{.object.status.phase}|{.object.status.currentStepIndex}{"\n"}'
  follow pod pods -l "app=$name" -o jsonpath='{.type}|{.object.metadata.uid}|{.object.spec.containers[0].image}|'\
'{.object.metadata.labels.role}|{.object.metadata.labels.rollouts-pod-template-hash}|{"\n"}'
}

end_view() {
  sleep 0.5 # the last line is on its way
  for watcher in "${watchers[@]}"; do stop "$watcher"; done
  watchers=()
}

# Seconds, weights of the stable and the canary Service, what the stable Service selects, phase, step, pods.
readonly columns='%7s  %-8s %-7s %-12s %-5s %s'

show() {
  local name=$1 began
  local tag first second version role hash weights="" selected="" phase="" step="" line="" last=""
  local -A pods=() versions=()
  began=$(now)
  while IFS='|' read -r tag first second version role hash _; do
    case "$tag" in
      route)
        [[ "$first" = "$weights" ]] || printf '%s\n' "$first" >>"$work/weights.$name"
        weights=$first
        ;;
      service) selected=$first ;;
      rollout) phase=$first step=$second ;;
      pod)
        version=${version##*:}
        versions[$hash]=$version
        if [[ "$first" = DELETED ]]; then unset "pods[$second]"; else pods[$second]="$version${role:+ $role}"; fi
        ;;
    esac
    # Pods change in bursts, which make one line; but none of the weights is left out.
    if [[ "$tag" != route ]]; then
      read -r -t 0 && continue
      sleep 0.1
      read -r -t 0 && continue
    fi
    [[ -n "$phase" ]] || continue
    line="$weights|${selected:+${versions[$selected]:-}}|$phase|$step|$(printf '%s\n' "${pods[@]}" | sort | uniq -c |
      awk 'NF > 1 {$1 = $1; printf "%s%s", gap, $0; gap = ", "}')"
    [[ "$line" = "$last" ]] && continue
    last=$line
    IFS='|' read -r first second version role hash <<<"$line"
    # shellcheck disable=SC2059
    printf "  $columns\n" "$(awk -v a="$began" -v b="$(now)" 'BEGIN {printf "%.1f", b - a}')" \
      "$first" "$second" "$version" "$role" "$hash"
  done
}

# Weights that were seen one after the other, others in between or not.
seen_in_order() {
  local name=$1 wanted line=""
  shift
  exec 3<"$work/weights.$name"
  for wanted in "$@"; do
    until [[ "$line" = "$wanted" ]]; do IFS= read -r line <&3 || return 1; done
    line=""
  done
}

# ---------------------------------------------------------------- the cluster

if [[ "${DEMO_CLUSTER:-own}" = current ]]; then
  context=$(kubectl config current-context) || die "kubeconfig has no current context"
  # From here on a copy: a change of context in another window changes nothing here.
  (umask 077 && kubectl config view --minify --flatten --raw >"$work/kubeconfig")
  export KUBECONFIG=$work/kubeconfig
  say "The demo would run in this cluster:" \
    "  context  $context" \
    "  server   $(kubectl config view -o jsonpath='{.clusters[0].cluster.server}')"
  kubectl get customresourcedefinition httproutes.gateway.networking.k8s.io >/dev/null 2>&1 ||
    die "it has no Gateway API, or cannot be reached: install it by https://gateway-api.sigs.k8s.io/guides/#install-standard-channel"
  kubectl get customresourcedefinition rollouts.serin.dev >/dev/null 2>&1 &&
    die "it has Rollouts already: the demo must not interfere with another Serin"
  kubectl get namespace "$namespace" >/dev/null 2>&1 &&
    die "it has a namespace $namespace already, which the demo would make and remove: remove it first"
  say "It would make the namespace $namespace and the CRD rollouts.serin.dev there, and remove both at the end."
  read -r -p "Go on? [y/N] " answer || true
  [[ "${answer:-}" = [yY]* ]] || die "nothing was done"
fi

title "Serin is installed by its chart"
installed=yes
# Its own pods would need an image; here it runs as a process of this machine, with the rights of its ServiceAccount.
run helm install serin charts/serin --namespace "$system" --create-namespace \
  --set replicaCount=0,hooks.release.enabled=false "${values[@]}"
kubectl wait --for=condition=Established --timeout=60s customresourcedefinition/rollouts.serin.dev >/dev/null

(
  umask 077
  kubectl config view --minify --flatten --raw >"$work/operator.kubeconfig"
  export KUBECONFIG=$work/operator.kubeconfig
  token=$(kubectl -n "$system" create token serin --duration=2h)
  kubectl config unset users
  kubectl config set-credentials serin --token="$token"
  kubectl config set-context --current --user=serin
) >/dev/null
# The very arguments that the chart gives, but for the port.
mapfile -t arguments < <(kubectl -n "$system" get deployment serin \
  -o jsonpath='{range .spec.template.spec.containers[0].args[*]}{@}{"\n"}{end}')
KUBECONFIG=$work/operator.kubeconfig "$serin" "${arguments[@]/--admin-addr=*/--admin-addr=127.0.0.1:0}" \
  >"$work/operator.log" 2>&1 &
operator=$!
deadline=$((SECONDS + PATIENCE))
until [[ -n "$(kubectl -n "$system" get lease serin -o jsonpath='{.spec.holderIdentity}' 2>/dev/null)" ]]; do
  kill -0 "$operator" 2>/dev/null || die "the operator has ended"
  [[ $SECONDS -lt $deadline ]] || die "the operator does not begin to lead"
  sleep 0.2
done
say "${dim}The operator runs as process $operator, as ServiceAccount $system/serin.$plain"

# ---------------------------------------------------------------- scenario 1

title "Pinned clients: app.example.com follows the canary, old.example.com and new.example.com do not"
run kubectl -n "$namespace" apply -f examples/pinned-clients/
until_is static-rollouts-demo .status.phase Healthy
spec_of() { k get httproutes "$1" -o jsonpath='{.spec}'; }
old_route=$(spec_of always-old-version) new_route=$(spec_of always-new-version)

view static-rollouts-demo canary-route argo-rollouts-stable-service argo-rollouts-canary-service
sleep 1
run kubectl -n "$namespace" patch rollouts.serin.dev static-rollouts-demo --type json \
  -p '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"'$NEW_WEB'"}]'
until_is static-rollouts-demo .status.phase Paused .status.currentStepIndex 1
selected() { k get service "$1" -o jsonpath='{.spec.selector.rollouts-pod-template-hash}'; }
hosts_differ=$([[ "$(selected argo-rollouts-stable-service)" != "$(selected argo-rollouts-canary-service)" ]] && echo yes || true)
tell_wait static-rollouts-demo
run kubectl -n "$namespace" patch rollouts.serin.dev static-rollouts-demo --type merge -p '{"spec":{"resume":{"step":1}}}'
until_is static-rollouts-demo .status.phase Healthy .status.currentStepIndex 4
end_view
say "${dim}The old pods stay for scaleDownDelaySeconds, here the default of 30 s.$plain"

# ---------------------------------------------------------------- scenario 2

title "Canary-aware: pods learn from their labels which queue is theirs, and at promotion learn anew, unrestarted"
run kubectl -n "$namespace" apply -f examples/canary-aware/
until_is rollouts-demo .status.phase Healthy
new_pods() {
  k get pods -l "app=rollouts-demo,rollouts-pod-template-hash=$(selected rollouts-demo-canary)" --sort-by=.metadata.name \
    -o custom-columns=POD:.metadata.name,IMAGE:.spec.containers[0].image,ROLE:.metadata.labels.role,QUEUE:.metadata.labels.rabbitQueue
}
# uids ROLE QUEUE: of the pods of the new version that have them.
uids() {
  k get pods -l "app=rollouts-demo,role=$1,rabbitQueue=$2" --sort-by=.metadata.uid \
    -o jsonpath="{range .items[?(@.spec.containers[0].image==\"$NEW_WORKER\")]}{.metadata.uid} {end}"
}

view rollouts-demo argo-rollouts-http-route rollouts-demo-stable rollouts-demo-canary
sleep 1
run kubectl -n "$namespace" patch rollouts.serin.dev rollouts-demo --type json \
  -p '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"'$NEW_WORKER'"}]'
until_is rollouts-demo .status.phase Paused .status.currentStepIndex 1
tell_wait rollouts-demo
run kubectl -n "$namespace" patch rollouts.serin.dev rollouts-demo --type merge -p '{"spec":{"resume":{"step":1}}}'
until_is rollouts-demo .status.phase Paused .status.currentStepIndex 3
before=$(uids preview myPreviewQueue)
tell_wait rollouts-demo
new_pods
run kubectl -n "$namespace" patch rollouts.serin.dev rollouts-demo --type merge -p '{"spec":{"resume":{"step":3}}}'
until_is rollouts-demo .status.phase Healthy .status.currentStepIndex 4
end_view
new_pods
after=$(uids active myProductionQueue)
old_pods=$(k get pods -l app=rollouts-demo -o jsonpath="{range .items[?(@.spec.containers[0].image!=\"$NEW_WORKER\")]}{.metadata.labels.role} {end}")

# ---------------------------------------------------------------- the summary

title "What was promised, and whether it was so"
new_web_pods=$(k get pods -l "app=static-rollouts-demo,rollouts-pod-template-hash=$(selected argo-rollouts-stable-service)" \
  -o jsonpath='{.items[*].spec.containers[0].image}')
check "canary-route went 100/0, 90/10, after the resume 50/50, and 100/0" \
  'seen_in_order static-rollouts-demo 100/0 90/10 50/50 100/0' "seen: $(tr '\n' ' ' <"$work/weights.static-rollouts-demo")"
check "then 100 means the new version: five pods of it" \
  '[[ "$new_web_pods" = "$NEW_WEB $NEW_WEB $NEW_WEB $NEW_WEB $NEW_WEB" ]]' "found: $new_web_pods"
check "during the canary old.example.com and new.example.com led to different pods" '[[ "$hosts_differ" = yes ]]'
check "the routes always-old-version and always-new-version are as they were written" \
  '[[ "$(spec_of always-old-version)" = "$old_route" && "$(spec_of always-new-version)" = "$new_route" ]]'
check "argo-rollouts-http-route went 100/0, 90/10, 0/100 and 100/0" \
  'seen_in_order rollouts-demo 100/0 90/10 0/100 100/0' "seen: $(tr '\n' ' ' <"$work/weights.rollouts-demo")"
check "at 100 percent five canary pods had role=preview and the preview queue" \
  '[[ "$(wc -w <<<"$before")" -eq 5 ]]' "found: $before"
check "the very same five pods now have role=active and the production queue" '[[ "$before" = "$after" ]]' "found: $after"
check "no pod of the old version was given the role preview" '[[ "$old_pods" != *preview* ]]' "found: $old_pods"

say "" "$passed of $((passed + failed)) as promised, in $((SECONDS - started)) s."
[[ $failed -eq 0 ]]
