#!/usr/bin/env bash
# Tries the chart on a real control plane: `make chart-test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly chart=.. system=serin-system

# Only `cluster run` sets it: no other cluster is ever touched.
[[ -n "${SERIN_AUDIT_LOG:-}" ]] || { echo "chart.sh: run this by \`make chart-test\`" >&2; exit 1; }
serin=${SERIN_BIN:?is not set: run this by \`make chart-test\`}
work=$(mktemp -d "${TMPDIR:-/tmp}/serin-chart.XXXXXX")
operator=""
trap '[[ -z "$operator" ]] || kill "$operator" 2>/dev/null || true; rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
ok() { echo "ok: $*"; }

# refused FRAGMENT COMMAND…: the command fails, and tells why.
refused() {
  local fragment=$1
  shift
  if "$@" >"$work/out" 2>&1; then fail "not refused: $*"; fi
  grep -qF -- "$fragment" "$work/out" || fail "$* is refused without a word of $fragment: $(cat "$work/out")"
}

render() { helm template serin "$chart" --namespace "$system" --kube-version "$version" "$@"; }
version=$(kubectl version -o json 2>/dev/null | sed -n '/serverVersion/,$ s/.*"gitVersion": "\(v[0-9.]*\).*/\1/p')

# ---------------------------------------------------------------- lint and schema

helm lint --strict "$chart" --kube-version "$version"
for values in values/*.yaml; do helm lint --strict --quiet "$chart" --kube-version "$version" -f "$values"; done
ok "helm lint"

refused "replicas" render --set replicas=3
refused "instal" render --set crds.instal=true
refused "leader" render --set extraArgs[0]=leader-elect
refused "replicaCount" render --set replicaCount=two
refused "replicaCount" render --set replicaCount=-1
refused "group" render --set api.group=nodots
refused "group" render --set api.group=Upper.Case
refused "format" render --set logging.format=xml
refused "level" render --set logging.level=loud
refused "pullPolicy" render --set image.pullPolicy=Sometimes
refused "digest" render --set image.digest=sha256:short
refused "watchNamespace" render --set watchNamespace=Not_A_Name
refused "serviceMonitor" render --set metrics.serviceMonitor.enable=true
refused "limit" render --set resources.limit.cpu=1
refused "timeoutSeconds" render --set hooks.release.timeoutSeconds=0
refused "serviceAccount.name is needed" render --set serviceAccount.create=false
# Every object of ours is closed: a name that nobody knows is refused wherever it stands.
for path in $(sed -n 's/^\( *\)\([a-zA-Z]*\):$/\1\2/p' ../values.yaml | awk '
  {depth = match($0, /[^ ]/) - 1; name[depth] = substr($0, depth + 1); path = name[0]
   for (i = 2; i <= depth; i += 2) path = path "." name[i]; print path}'); do
  case "$path" in
    podSecurityContext* | containerSecurityContext* | resources.requests | resources.limits) ;; # Kubernetes' own
    *) refused "nobodyKnows" render --set "$path.nobodyKnows=1" ;;
  esac
done
ok "the schema refuses what it does not know"

# ---------------------------------------------------------------- rendering

# A namespace that refuses whatever is not restricted, and warns of workloads that would be refused.
restricted() {
  kubectl create namespace "$1" >/dev/null
  kubectl label namespace "$1" pod-security.kubernetes.io/{enforce,warn}=restricted >/dev/null
}
restricted "$system"
kubectl create namespace team-a >/dev/null
kubectl apply -f servicemonitor-crd.yaml >/dev/null
kubectl wait --for=condition=Established --timeout=60s crd/servicemonitors.monitoring.coreos.com >/dev/null

for values in ../values.yaml values/*.yaml; do
  render -f "$values" >"$work/rendered.yaml"
  kubectl apply --dry-run=server --warnings-as-errors --validate=strict -f "$work/rendered.yaml" >"$work/out" 2>&1 ||
    fail "rendered with $values, the server refuses: $(cat "$work/out")"
  ok "rendered with $values, the server accepts $(grep -c '(server dry run)' "$work/out") objects"
done

# holds TEXT…: what was rendered has all of it.
holds() {
  local text
  for text in "$@"; do grep -qF -- "$text" "$work/rendered.yaml" || fail "not rendered: $text"; done
}
render -f values/everything.yaml >"$work/rendered.yaml"
holds 'replicas: 3' "image: registry.example/team/serin@sha256:$(printf 'a%.0s' {1..64})" 'imagePullPolicy: Always' \
  'name: registry' '--log-level=debug' '--log-format=json' '--concurrency=16' 'name: NO_COLOR' 'memory: 1Gi' \
  'kubernetes.io/os: linux' 'key: node-role.kubernetes.io/control-plane' 'preferredDuringScheduling' DoNotSchedule \
  'priorityClassName: system-cluster-critical' 'example.com/note: a note' 'example.com/team: platform' \
  'runAsUser: 65532' 'serviceAccountName: operator' 'example.com/role: canaries' 'maxUnavailable: 50%' \
  'interval: 10s' 'release: prometheus' 'activeDeadlineSeconds: 60' 'url=http://'
render -s templates/deployment.yaml >"$work/rendered.yaml"
holds 'replicas: 2' 'readOnlyRootFilesystem: true' 'path: /livez' 'path: /readyz' '--api-group=serin.dev' \
  'topologyKey: kubernetes.io/hostname'
ok "every value arrives"

# rendered KIND: how many there are of it.
rendered() { grep -c "^kind: $1\$" "$work/rendered.yaml" || true; }
render -f values/namespaced.yaml --set crds.install=false >"$work/rendered.yaml"
[[ $(rendered ClusterRole) = 0 && $(rendered ClusterRoleBinding) = 0 ]] ||
  fail "with watchNamespace something cluster-wide is asked for"
render -f values/least.yaml >"$work/rendered.yaml"
[[ $(grep -c '^kind:' "$work/rendered.yaml") = 3 ]] || fail "the least is more than Deployment, Service and test"
render >"$work/rendered.yaml"
grep -A3 '^kind: CustomResourceDefinition' "$work/rendered.yaml" >/dev/null || fail "the CRD is missing"
grep -q 'helm.sh/resource-policy: keep' "$work/rendered.yaml" || fail "the CRD would go with the release, and every Rollout with it"
render --set rbac.preflight=false >"$work/rendered.yaml"
grep -q 'poddisruptionbudgets' "$work/rendered.yaml" && fail "rbac.preflight=false leaves a right of preflight"
render -f values/other-group.yaml >"$work/rendered.yaml"
grep -q '^  name: rollouts.canary.example.com$' "$work/rendered.yaml" || fail "the CRD has not the group of api.group"
ok "what is left out and what is put in"

# ---------------------------------------------------------------- installed

helm install serin "$chart" --namespace "$system" --set image.tag=test --wait --timeout 2m >"$work/notes"
grep -q 'kubectl patch rollouts.serin.dev web' "$work/notes" || fail "the notes do not tell how to resume"
kubectl -n "$system" rollout status deployment/serin --timeout=60s >/dev/null
[[ $(kubectl -n "$system" get pods -l app.kubernetes.io/component=operator -o jsonpath='{.items[*].spec.nodeName}' |
  tr ' ' '\n' | sort -u | wc -l) = 2 ]] || fail "the two pods are not on two nodes"
ok "installed in a restricted namespace"

# The manifest in the notes is one that the server accepts.
sed -n '/apiVersion:/,/steps:/ s/^  //p' "$work/notes" >"$work/first.yaml"
kubectl apply --dry-run=server --validate=strict -f "$work/first.yaml" >/dev/null
ok "the Rollout in the notes"

can() { [[ $(kubectl auth can-i "$@" 2>/dev/null) = yes ]] || fail "not allowed: $*"; }
cannot() { [[ $(kubectl auth can-i "$@" 2>/dev/null) = no ]] || fail "allowed: $*"; }
as() { echo "--as=system:serviceaccount:$1"; }
me=$(as "$system:serin")
for verb in get list watch patch; do
  for resource in rollouts.serin.dev pods services {http,grpc,tls,tcp,udp}routes replicasets.apps; do can $verb $resource "$me" -n team-a; done
done
for verb in create delete; do can $verb replicasets.apps "$me" -n team-a; done
can create pods --subresource=eviction "$me" -n team-a
can patch rollouts.serin.dev --subresource=status "$me" -n team-a
can update rollouts.serin.dev --subresource=finalizers "$me" -n team-a
can list endpointslices.discovery.k8s.io "$me" -n team-a
can create events.events.k8s.io "$me" -n team-a
can get namespaces "$me"
for resource in gateways.gateway.networking.k8s.io gatewayclasses.gateway.networking.k8s.io; do can get $resource "$me" -n team-a; done
for resource in referencegrants.gateway.networking.k8s.io poddisruptionbudgets.policy horizontalpodautoscalers.autoscaling \
  deployments.apps; do
  can list $resource "$me" -n team-a
  for verb in watch create patch delete; do cannot $verb $resource "$me" -n team-a; done
done
can create leases.coordination.k8s.io "$me" -n "$system"
can update leases.coordination.k8s.io/serin "$me" -n "$system"
cannot update leases.coordination.k8s.io/another "$me" -n "$system"
cannot create leases.coordination.k8s.io "$me" -n team-a
for resource in secrets configmaps; do
  for verb in get list watch create update patch delete; do cannot $verb $resource "$me" -n team-a; done
done
for resource in rollouts.serin.dev pods services {http,grpc,tls,tcp,udp}routes endpointslices namespaces; do
  for verb in create delete; do cannot $verb $resource "$me" -n team-a; done
done
for verb in escalate bind update; do cannot $verb clusterroles "$me"; done
cannot create pods --subresource=exec "$me" -n team-a
cannot '*' '*' "$me"
releaser=$(as "$system:serin-release")
cannot list rollouts.serin.dev "$releaser" -n team-a # it has its rights only while it runs
ok "the operator's rights, and no more"

for role in view edit admin; do kubectl -n team-a create rolebinding "$role" --clusterrole="$role" --user="$role" >/dev/null; done
deadline=$((SECONDS + 30))
until [[ $(kubectl auth can-i patch rollouts.serin.dev --as=admin -n team-a) = yes || $SECONDS -gt $deadline ]]; do sleep 0.5; done
can watch rollouts.serin.dev --as=view -n team-a
cannot patch rollouts.serin.dev --as=view -n team-a
for user in edit admin; do
  for verb in get create patch delete; do can $verb rollouts.serin.dev --as=$user -n team-a; done
  can patch rollouts.serin.dev --subresource=status --as=$user -n team-a
  can patch rollouts.serin.dev --subresource=scale --as=$user -n team-a
done
ok "the cluster's roles view, edit and admin"

# ---------------------------------------------------------------- the operator itself, with the chart's arguments and rights

# as_account NAME COMMAND…: as a process of this machine, with the rights of a ServiceAccount.
as_account() {
  local account=$1 token
  shift
  token=$(kubectl -n "$system" create token "$account")
  (
    umask 077
    export KUBECONFIG=$work/$account.kubeconfig
    kubectl --kubeconfig "$admin" config view --minify --flatten --raw >"$KUBECONFIG"
    kubectl config unset users
    kubectl config set-credentials "$account" --token="$token"
    kubectl config set-context --current --user="$account"
  ) >/dev/null
  KUBECONFIG=$work/$account.kubeconfig exec "$@"
}
admin=$KUBECONFIG
# arguments_of OBJECT: of the only container of its pods, one a line.
arguments_of() {
  kubectl -n "$system" get "$1" -o jsonpath='{range .spec.template.spec.containers[0].args[*]}{@}{"\n"}{end}' |
    sed 's/^--admin-addr=.*/--admin-addr=127.0.0.1:0/'
}
# until_true WHAT COMMAND…: waits until the command succeeds.
until_true() {
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$operator" 2>/dev/null || fail "the operator has ended: $(cat "$work/log")"
    [[ $SECONDS -lt $deadline ]] || fail "$what: $(cat "$work/log")"
    sleep 0.2
  done
}
led() { [[ -n "$(kubectl -n "$system" get lease serin -o jsonpath='{.spec.holderIdentity}')" ]]; }
healthy() { [[ $(kubectl -n team-a get rollouts.serin.dev web -o jsonpath='{.status.phase}') = Healthy ]]; }
finalizers() { kubectl -n team-a get rollouts.serin.dev web -o jsonpath='{.metadata.finalizers}'; }

mapfile -t arguments < <(arguments_of deployment/serin)
as_account serin "$serin" "${arguments[@]}" >"$work/log" 2>&1 &
operator=$!
until_true "the operator does not begin to lead" led
kubectl -n team-a apply -f ../../../examples/minimal/ >/dev/null
until_true "the first Rollout does not become healthy" healthy
[[ $(finalizers) = *serin.dev/* ]] || fail "the operator does not hold the Rollout"
kubectl -n team-a delete -f ../../../examples/minimal/ --timeout=60s >/dev/null
kubectl -n team-a apply -f ../../../examples/minimal/ >/dev/null
until_true "the second Rollout does not become healthy" healthy
kill "$operator"
wait "$operator" || fail "asked to end, the operator fails: $(cat "$work/log")"
operator=""
ok "the operator runs with the chart's arguments and rights"

render -s templates/release-hook.yaml | kubectl apply -f - >/dev/null
mapfile -t arguments < <(arguments_of job/serin-release)
(as_account serin-release "$serin" "${arguments[@]}") >"$work/log" 2>&1 || fail "serin release fails: $(cat "$work/log")"
[[ -z $(finalizers) ]] || fail "serin release leaves finalizers: $(finalizers)"
kubectl -n team-a delete -f ../../../examples/minimal/ --timeout=60s >/dev/null
render -s templates/release-hook.yaml | kubectl delete -f - >/dev/null
ok "serin release lets go of Rollouts with the hook's arguments and rights"

if grep '"username":"system:serviceaccount:serin-system:' "$SERIN_AUDIT_LOG" | grep -E '"code":40[13]'; then
  fail "the operator was refused something"
fi
ok "neither was refused anything"

# ---------------------------------------------------------------- upgraded and uninstalled

helm upgrade serin "$chart" --namespace "$system" --set image.tag=test,replicaCount=3 --wait --timeout 2m >/dev/null
ok "upgraded"

helm uninstall serin --namespace "$system" --wait --timeout 2m >/dev/null
grep -qE '"requestURI":"/apis/batch/v1/namespaces/serin-system/jobs[^"]*","verb":"create".*"userAgent":"Helm/' "$SERIN_AUDIT_LOG" ||
  fail "serin release was not run"
left=$(kubectl get all,roles,rolebindings,serviceaccounts,pdb -n "$system" -o name | grep -v 'serviceaccount/default' || true)
left+=$(kubectl get clusterroles,clusterrolebindings -o name | grep serin || true)
[[ -z "$left" ]] || fail "left after the release is gone: $left"
kubectl get crd rollouts.serin.dev >/dev/null || fail "the CRD went with the release"
ok "uninstalled, all but the CRD"

helm install serin "$chart" --namespace "$system" --set image.tag=test --wait --timeout 2m >/dev/null ||
  fail "the CRD that was kept is in the way of a second installation"
helm uninstall serin --namespace "$system" --wait --timeout 2m >/dev/null
ok "installed once more"

helm install mine "$chart" --namespace "$system" -f values/namespaced.yaml --set crds.install=false --wait --timeout 2m >/dev/null
me=$(as "$system:team-canaries")
can patch rollouts.serin.dev "$me" -n team-a
can get namespaces/team-a "$me" -n team-a
cannot list rollouts.serin.dev "$me" -n default
cannot list rollouts.serin.dev "$me" --all-namespaces
helm uninstall mine --namespace "$system" --wait --timeout 2m >/dev/null
ok "one namespace only"
