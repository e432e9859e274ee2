{{/* What the operator may do where Rollouts are. Neither Secrets nor ConfigMaps are ever read. */}}
{{- define "serin.rules" -}}
- apiGroups: [{{ .Values.api.group }}]
  resources: [rollouts]
  verbs: [get, list, watch, patch]
- apiGroups: [{{ .Values.api.group }}]
  resources: [rollouts/status]
  verbs: [patch]
# ReplicaSets name their Rollout as an owner that waits for them, which some clusters allow only with this.
- apiGroups: [{{ .Values.api.group }}]
  resources: [rollouts/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
# A restart replaces pods; an eviction respects their PodDisruptionBudgets, a deletion would not.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, patch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes, tlsroutes, tcproutes, udproutes]
  verbs: [get, list, watch, patch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.rbac.preflight }}
# The condition Preflight tells of these; nothing else is made of them.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, gatewayclasses]
  verbs: [get]
- apiGroups: [gateway.networking.k8s.io]
  resources: [referencegrants]
  verbs: [list]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list]
{{- end }}
{{- end }}

{{/* What `serin release` may do there: let go of Rollouts, and nothing else. */}}
{{- define "serin.releaseRules" -}}
- apiGroups: [{{ .Values.api.group }}]
  resources: [rollouts]
  verbs: [list, patch]
{{- end }}

{{/* The one Lease that tells who leads. Creation cannot be limited to a name. */}}
{{- define "serin.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "serin.fullname" . }}]
  verbs: [get, update]
{{- end }}

{{/*
Rules and who has them, everywhere or in the watched namespace.
Takes a dict: root, name, rules (a template's name), serviceAccount, annotations (a map, may be empty).
*/}}
{{- define "serin.grant" -}}
{{- $namespace := .root.Values.watchNamespace }}
{{- $prefix := ternary "" "Cluster" (ne $namespace "") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}Role
{{ include "serin.grantMetadata" (dict "grant" . "name" .name "namespace" $namespace) }}
rules:
  {{- include .rules .root | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}RoleBinding
{{ include "serin.grantMetadata" (dict "grant" . "name" .name "namespace" $namespace) }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .serviceAccount }}
    namespace: {{ .root.Release.Namespace }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
{{ include "serin.grantMetadata" (dict "grant" . "name" (printf "%s-lease" .name) "namespace" .root.Release.Namespace) }}
rules:
  {{- include "serin.leaseRules" .root | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
{{ include "serin.grantMetadata" (dict "grant" . "name" (printf "%s-lease" .name) "namespace" .root.Release.Namespace) }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}-lease
subjects:
  - kind: ServiceAccount
    name: {{ .serviceAccount }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}

{{- define "serin.grantMetadata" -}}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "serin.labels" .grant.root | nindent 4 }}
  {{- with .grant.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
