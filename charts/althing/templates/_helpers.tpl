{{/*
The name of the operator in labels, whatever the release is called: the NetworkPolicies of nodes let pods in that carry it.
*/}}
{{- define "althing.name" -}}althing-operator{{- end -}}

{{/* The name of objects: `althing-operator` for a release called `althing`. */}}
{{- define "althing.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains "operator" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "althing.selectorLabels" -}}
app.kubernetes.io/name: {{ include "althing.name" . }}
app.kubernetes.io/instance: {{ include "althing.fullname" . }}
{{- end -}}

{{- define "althing.labels" -}}
{{ include "althing.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: althing
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "althing.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "althing.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must name an existing ServiceAccount when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* registry/repository:tag or registry/repository@digest. Arguments: registry, repository, tag, digest. */}}
{{- define "althing.reference" -}}
{{- $name := index . 1 -}}
{{- if index . 0 -}}{{- $name = printf "%s/%s" (index . 0) (index . 1) -}}{{- end -}}
{{- if index . 3 -}}{{ printf "%s@%s" $name (index . 3) }}{{- else -}}{{ printf "%s:%s" $name (index . 2) }}{{- end -}}
{{- end -}}

{{- define "althing.image" -}}
{{- $image := .Values.image -}}
{{- include "althing.reference" (list $image.registry $image.repository (default .Chart.AppVersion $image.tag) $image.digest) -}}
{{- end -}}

{{- define "althing.nodeImage" -}}
{{- $image := .Values.nodeImage -}}
{{- $registry := default .Values.image.registry $image.registry -}}
{{- include "althing.reference" (list $registry $image.repository (default .Chart.AppVersion $image.tag) $image.digest) -}}
{{- end -}}

{{/* "true" when the operator watches all namespaces. */}}
{{- define "althing.watchesAll" -}}
{{- if not .Values.watch.namespaces -}}true{{- end -}}
{{- end -}}

{{/* What the operator may do in a namespace it watches. docs/operations/install.md says what each rule is for. */}}
{{- define "althing.rules" -}}
- apiGroups: [althing.dev]
  resources: [agencies, consortiums, ledgergroups, ledgernodes]
  verbs: [get, list, watch]
- apiGroups: [althing.dev]
  resources: [agencies/status, consortiums/status, ledgergroups/status, ledgernodes/status]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims, secrets, serviceaccounts, services]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [delete, get, list, watch]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, get, list, patch, watch]
{{- end -}}
