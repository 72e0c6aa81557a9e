#!/usr/bin/env bash
# Everything that installs and watches Althing, without a cluster: charts, kustomizations, GitOps examples, alerts, dashboards.
#
#   scripts/charts.sh            all checks
#   scripts/charts.sh generate   writes what is copied from the charts: deploy/kustomize/components/prometheus-operator
set -euo pipefail
source "$(dirname "$0")/common.sh"
cd "$root"

bin=$cache/cluster/bin
export HELM4=$bin/helm4 HELM3=$bin/helm3 PROMTOOL=$bin/promtool KUBECTL=$bin/kubectl
[ -x "$KUBECTL" ] || KUBECTL=$(command -v kubectl || true)
charts=(charts/althing-crds charts/althing)
component=deploy/kustomize/components/prometheus-operator/objects
schemas=$cache/schemas

tools_are_there() {
  local tool missing=()
  for tool in "$HELM4" "$HELM3" "$PROMTOOL" "${KUBECTL:-kubectl}" "$bin/kubeconform" "$bin/helm-unittest"; do
    [ -x "$tool" ] || missing+=("$(basename "$tool")")
  done
  [ ${#missing[@]} -eq 0 ] || {
    say "missing: ${missing[*]}; run scripts/setup.sh kube-checks" >&2
    return 1
  }
}

# Lines that only Helm writes, and the comment above the alert rules.
plain() {
  sed -E '/^---$/d; /^# Source: /d; /^  namespace: /d; /managed-by: Helm$/d; /app\.kubernetes\.io\/version:/d; /helm\.sh\/chart:/d; /^  #/d' |
    sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

generate() {
  local name
  for name in serviceMonitor podMonitor prometheusRule; do
    "$HELM4" template althing charts/althing -s "templates/${name,,}.yaml" --set "monitoring.$name.enabled=true" |
      plain >"$component/${name,,}.yaml"
  done
}

lint() {
  local helm chart
  for helm in "$HELM4" "$HELM3"; do
    for chart in "${charts[@]}"; do
      "$helm" lint --quiet --strict --kube-version 1.35.0 "$chart"
    done
  done
}

# A packaged chart holds everything: a link or an ignored file would show here.
packages() {
  local helm chart folder
  folder=$(mktemp -d)
  for helm in "$HELM4" "$HELM3"; do
    for chart in "${charts[@]}"; do
      "$helm" package "$chart" --destination "$folder" >/dev/null
      diff <("$helm" template althing "$chart" --kube-version 1.35.0) \
        <("$helm" template althing "$folder/$(basename "$chart")"-[0-9]*.tgz --kube-version 1.35.0)
    done
  done
  rm -r "$folder"
}

# Values people use, rendered for the checks of schemas.
rendered() {
  local everything=(
    --set replicas=2 --set podDisruptionBudget.enabled=true --set networkPolicy.enabled=true
    --set monitoring.serviceMonitor.enabled=true --set monitoring.podMonitor.enabled=true
    --set monitoring.prometheusRule.enabled=true --set monitoring.dashboards.enabled=true
  )
  local helm
  for helm in "$HELM4" "$HELM3"; do
    "$helm" template althing-crds charts/althing-crds --kube-version 1.35.0
    "$helm" template althing charts/althing --kube-version 1.35.0 -n althing-system
    "$helm" template althing charts/althing --kube-version 1.35.0 -n althing-system "${everything[@]}"
    "$helm" template althing charts/althing --kube-version 1.35.0 -n agency-a --set 'watch.namespaces={agency-a,agency-b}'
  done
  local folder
  for folder in deploy/kustomize/overlays/hosted deploy/kustomize/overlays/per-agency deploy/samples/four-agencies \
    deploy/samples/four-agencies-sm deploy/gitops/argocd/health; do
    echo ---
    "$KUBECTL" kustomize "$folder"
  done
}

# Kinds whose definitions are in no module that is built here: their fields are not checked.
others=ServiceMonitor,PodMonitor,PrometheusRule,Application,GitRepository

conform() {
  "$bin/kubeconform" -strict -summary -skip "$others" \
    -schema-location "$schemas/{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json" "$@"
}

# module_folder TOOL MODULE prints where the source of a module is that a program of the cluster is built from.
module_folder() {
  (cd "e2e/cluster/tools/$1" && GOWORK=off go mod download "$2" && GOWORK=off go list -m -f '{{.Dir}}' "$2")
}

manifests_conform() {
  local kubernetes flux
  kubernetes=$(module_folder kubernetes k8s.io/kubernetes)
  flux=$(module_folder flux github.com/fluxcd/kustomize-controller)
  (cd deploy/checks && GOWORK=off go run ./cmd/schemas "$schemas" "$kubernetes/api/openapi-spec/swagger.json" \
    "$root/crds/manifests" "$flux/config/crd/bases")
  rendered | conform -
  conform crds deploy/gitops/argocd/applications.yaml deploy/gitops/flux deploy/monitoring/network-policy.yaml
  # The check itself: a field nobody knows is found.
  if "$KUBECTL" kustomize deploy/kustomize/overlays/hosted | sed 's/revisionHistoryLimit/revisionHistoryLimits/' |
    conform - >/dev/null; then
    say 'kubeconform accepts a field that does not exist' >&2
    return 1
  fi
}

unit_tests() {
  "$bin/helm-unittest" --strict "${charts[@]}"
}

alerts() {
  "$PROMTOOL" check rules deploy/monitoring/alerts.yaml
  "$PROMTOOL" check config --syntax-only deploy/monitoring/prometheus.yaml
  "$PROMTOOL" test rules deploy/monitoring/tests/*.yaml
}

# Not from Go's cache of results: it does not see the files that the programs read.
checks() {
  (cd deploy/checks && GOWORK=off go vet ./... && GOWORK=off go test -count=1 ./...)
}

case ${1:-all} in
  all)
    tools_are_there
    step 'charts: lint' lint
    step 'charts: unit tests' unit_tests
    step 'charts: packages' packages
    step 'manifests against schemas' manifests_conform
    step 'alerts' alerts
    step 'same objects by Helm, kustomize and Git; health, rights, dashboards' checks
    ;;
  generate)
    tools_are_there
    generate
    ;;
  *)
    echo "charts.sh: unknown part '$1'; accepted are generate or none" >&2
    exit 2
    ;;
esac
