# Sourced by setup.sh: programs of the end-to-end cluster and of checks, each built from a Go module of its own that pins it.
# Their dependency trees disagree, so e2e/cluster/tools holds one module a tool, with its go.mod and go.sum.
# shellcheck shell=bash

cluster_bin=$cache/cluster/bin

# go_tools MODULE FLAGS NAME=PACKAGE… builds each package into $cluster_bin/NAME, unless that was done with these very pins.
go_tools() {
  local module=$1 flags=$2 folder=$root/e2e/cluster/tools/$1 program missing=
  shift 2
  for program in "$@"; do [ -x "$cluster_bin/${program%%=*}" ] || missing=yes; done
  local inputs=() file
  for file in "$folder"/{go.mod,go.sum,main.go}; do [ ! -f "$file" ] || inputs+=("$file"); done
  if [ -z "$missing" ] && stamp_is_fresh "go-$module" "${inputs[@]}" <(echo "$flags" "$@"); then
    say 'unchanged'
    return
  fi
  mkdir -p "$cluster_bin"
  for program in "$@"; do
    say "building ${program%%=*}"
    # A program that runs is replaced, never written into.
    (cd "$folder" && eval "CGO_ENABLED=0 GOWORK=off nice -n 10 go build -trimpath -buildvcs=false $flags" \
      -o "$cluster_bin/.${program%%=*}.$$" "${program#*=}")
    mv "$cluster_bin/.${program%%=*}.$$" "$cluster_bin/${program%%=*}"
  done
  write_stamp "go-$module" "${inputs[@]}" <(echo "$flags" "$@")
}

# The version is what `kubectl version` and the user agent tell; without it clients take the server for v0.0.0.
kubernetes() {
  local version=k8s.io/component-base/version package=k8s.io/kubernetes/cmd program programs=()
  for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    programs+=("$program=$package/$program")
  done
  go_tools kubernetes \
    "-ldflags '-s -w -X $version.gitVersion=v1.35.4 -X $version.gitMajor=1 -X $version.gitMinor=35'" "${programs[@]}"
}

stripped="-ldflags '-s -w'"

etcd() { go_tools etcd "$stripped" etcd=go.etcd.io/etcd/server/v3; }

coredns() { go_tools coredns "$stripped" coredns=.; }

cluster_programs() {
  local program
  for program in pause volumes lookup; do go_tools "$program" "$stripped" "$program=."; done
}

helm4() { go_tools helm4 "-ldflags '-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1'" helm4=helm.sh/helm/v4/cmd/helm; }

helm3() { go_tools helm3 "-ldflags '-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0'" helm3=helm.sh/helm/v3/cmd/helm; }

kubeconform() { go_tools kubeconform "$stripped" kubeconform=github.com/yannh/kubeconform/cmd/kubeconform; }

helm_unittest() { go_tools helm-unittest "$stripped" helm-unittest=github.com/helm-unittest/helm-unittest/cmd/helm-unittest; }

# Without the clients of the clouds whose targets a Prometheus can discover: promtool only reads rules here.
promtool() { go_tools promtool "$stripped -tags remove_all_sd" promtool=github.com/prometheus/prometheus/cmd/promtool; }

kustomize_controller() { go_tools flux "$stripped" kustomize-controller=github.com/fluxcd/kustomize-controller; }

kwok() { go_tools kwok "$stripped" kwok=sigs.k8s.io/kwok/cmd/kwok; }
