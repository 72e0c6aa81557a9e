package checks

import (
	"regexp"
	"testing"
)

func first(t *testing.T, pattern, file string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindSubmatch(readFile(t, inRoot(file)))
	if found == nil {
		t.Fatalf("%s holds nothing like %s", file, pattern)
	}
	return string(found[1])
}

func TestOneVersionEverywhere(t *testing.T) {
	version := first(t, `(?m)^version = "(.+)"$`, "Cargo.toml")
	for _, place := range []struct{ pattern, file string }{
		{`(?m)^version: (.+)$`, "charts/althing/Chart.yaml"},
		{`(?m)^appVersion: (.+)$`, "charts/althing/Chart.yaml"},
		{`(?m)^version: (.+)$`, "charts/althing-crds/Chart.yaml"},
		{`(?m)^appVersion: (.+)$`, "charts/althing-crds/Chart.yaml"},
		{`image: localhost/althing/operator:(.+)`, "deploy/kustomize/base/deployment.yaml"},
		{`value: localhost/althing/node:(.+)`, "deploy/kustomize/base/deployment.yaml"},
		{`localhost/althing/operator=.+:(.+)`, "deploy/gitops/argocd/applications.yaml"},
		{`localhost/althing/node=.+:(.+)`, "deploy/gitops/argocd/applications.yaml"},
		{`localhost/althing/operator,.+newTag: (.+)}`, "deploy/gitops/flux/kustomizations.yaml"},
		{`localhost/althing/node,.+newTag: (.+)}`, "deploy/gitops/flux/kustomizations.yaml"},
	} {
		if found := first(t, place.pattern, place.file); found != version {
			t.Errorf("%s: %s is %s, the project's version is %s", place.file, place.pattern, found, version)
		}
	}
}
