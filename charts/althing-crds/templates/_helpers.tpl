{{/* Labels of everything here. */}}
{{- define "althing-crds.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
A generated file with more metadata. By text and not by `fromYaml`: that makes floating-point numbers of the bounds in a schema.
Arguments: a list of the file's text and the lines that go below `metadata:`.
*/}}
{{- define "althing-crds.with-metadata" -}}
{{- $text := index . 0 -}}
{{- $lines := index . 1 -}}
{{- regexReplaceAllLiteral "(?m)^metadata:$" $text (printf "metadata:\n%s" (indent 2 $lines)) -}}
{{- end -}}
