package checks

import (
	"strings"
	"testing"
)

func TestGitOpsExamplesNameFoldersThatExist(t *testing.T) {
	examples := append(manifestsIn(t, inRoot("deploy/gitops/argocd")), manifestsIn(t, inRoot("deploy/gitops/flux"))...)
	paths := 0
	for _, value := range examples {
		for _, path := range []string{textAt(value, "spec", "path"), textAt(value, "spec", "source", "path")} {
			if path == "" {
				continue
			}
			paths++
			if !exists(inRoot(path)) {
				t.Errorf("%s: %s does not exist", identity(value), path)
			}
		}
	}
	if paths != 6 {
		t.Errorf("6 paths expected, found %d", paths)
	}
}

func TestGitOpsExamplesNeverPruneDefinitionsNorForce(t *testing.T) {
	for _, value := range manifestsIn(t, inRoot("deploy/gitops/flux")) {
		if value["kind"] != "Kustomization" {
			continue
		}
		if at(value, "spec", "force") == true {
			t.Errorf("%s forces", identity(value))
		}
		if strings.Contains(textAt(value, "spec", "path"), "crds") && at(value, "spec", "prune") != false {
			t.Errorf("%s prunes definitions", identity(value))
		}
	}
	for _, value := range manifestsIn(t, inRoot("deploy/gitops/argocd")) {
		if strings.Contains(textAt(value, "spec", "source", "path"), "crds") && at(value, "spec", "syncPolicy", "automated", "prune") != false {
			t.Errorf("%s prunes definitions", identity(value))
		}
		if at(value, "metadata", "finalizers") != nil {
			t.Errorf("%s deletes what it brought", identity(value))
		}
	}
}

func TestGitOpsExamplesNameImagesThatAreThere(t *testing.T) {
	hosted := string(output(t, program(t, "KUBECTL"), "kustomize", "deploy/kustomize/overlays/hosted"))
	for _, image := range []string{"localhost/althing/operator", "localhost/althing/node"} {
		if !strings.Contains(hosted, image+":") {
			t.Errorf("the overlay knows no %s", image)
		}
		for _, file := range []string{"argocd/applications.yaml", "flux/kustomizations.yaml"} {
			if !strings.Contains(string(readFile(t, inRoot("deploy/gitops", file))), image) {
				t.Errorf("%s replaces no %s", file, image)
			}
		}
	}
}
