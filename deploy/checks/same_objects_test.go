package checks

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What Helm writes on every object, and what keeps it from deleting one.
var helmsOwn = []string{
	"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart", "helm.sh/resource-policy",
}

// More that the chart of the definitions adds: they are the cluster's, so their manifests carry no labels.
var ofARelease = []string{"app.kubernetes.io/name", "app.kubernetes.io/instance"}

func without(t *testing.T, objects []object, keys []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, value := range objects {
		for _, list := range []string{"labels", "annotations"} {
			entries, isObject := at(value, "metadata", list).(object)
			for _, key := range keys {
				delete(entries, key)
			}
			if isObject && len(entries) == 0 {
				delete(value["metadata"].(object), list)
			}
		}
		name := identity(value)
		if _, isTwice := found[name]; isTwice {
			t.Errorf("%s is there twice", name)
		}
		text, err := json.MarshalIndent(value, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}

// firstDifference shows the first line that differs.
func firstDifference(one, other string) string {
	ones, others := strings.Split(one, "\n"), strings.Split(other, "\n")
	for i := range min(len(ones), len(others)) {
		if ones[i] != others[i] {
			return fmt.Sprintf("line %d: %s  <>  %s", i+1, strings.TrimSpace(ones[i]), strings.TrimSpace(others[i]))
		}
	}
	return "one goes on after the other ends"
}

func same(t *testing.T, chart, manifests map[string]string) {
	t.Helper()
	for name, text := range chart {
		if other, isThere := manifests[name]; !isThere {
			t.Errorf("only the chart has %s", name)
		} else if text != other {
			t.Errorf("%s: chart <> manifests, %s", name, firstDifference(text, other))
		}
	}
	for name := range manifests {
		if _, isThere := chart[name]; !isThere {
			t.Errorf("the chart lacks %s", name)
		}
	}
}

// Both Helms, each as `template` with a Kubernetes the charts accept.
func eachHelm(t *testing.T, run func(t *testing.T, render func(arguments ...string) []object)) {
	for _, variable := range []string{"HELM4", "HELM3"} {
		t.Run(variable, func(t *testing.T) {
			helm := program(t, variable)
			run(t, func(arguments ...string) []object {
				arguments = append([]string{"template", "--kube-version", "1.35.0"}, arguments...)
				return documents(t, output(t, helm, arguments...))
			})
		})
	}
}

func kustomized(t *testing.T, folder string) []object {
	t.Helper()
	objects := documents(t, output(t, program(t, "KUBECTL"), "kustomize", folder))
	// Helm makes the namespace of a release by itself.
	return slices.DeleteFunc(objects, func(value object) bool { return value["kind"] == "Namespace" })
}

func TestHostedByHelmAndByKustomizeIsTheSame(t *testing.T) {
	eachHelm(t, func(t *testing.T, render func(...string) []object) {
		chart := render("althing", "charts/althing", "--namespace", "althing-system")
		same(t, without(t, chart, helmsOwn), without(t, kustomized(t, "deploy/kustomize/overlays/hosted"), nil))
	})
}

func TestPerAgencyByHelmAndByKustomizeIsTheSame(t *testing.T) {
	eachHelm(t, func(t *testing.T, render func(...string) []object) {
		chart := render("althing", "charts/althing", "--namespace", "agency-a", "--set", "watch.namespaces={agency-a}")
		same(t, without(t, chart, helmsOwn), without(t, kustomized(t, "deploy/kustomize/overlays/per-agency"), nil))
	})
}

func TestMonitoringByHelmAndByKustomizeIsTheSame(t *testing.T) {
	objects := "monitoring.%s.enabled=true"
	eachHelm(t, func(t *testing.T, render func(...string) []object) {
		arguments := []string{"althing", "charts/althing", "--namespace", "althing-system"}
		for _, name := range []string{"serviceMonitor", "podMonitor", "prometheusRule"} {
			arguments = append(arguments, "--set", fmt.Sprintf(objects, name))
		}
		chart := slices.DeleteFunc(render(arguments...), func(value object) bool {
			return value["apiVersion"] != "monitoring.coreos.com/v1"
		})
		component := manifestsIn(t, inRoot("deploy/kustomize/components/prometheus-operator/objects"))
		for _, value := range component {
			value["metadata"].(object)["namespace"] = "althing-system"
		}
		if len(component) != 3 {
			t.Errorf("3 objects expected, found %d", len(component))
		}
		same(t, without(t, chart, helmsOwn), without(t, component, nil))
	})
}

func TestDefinitionsByHelmAndByKubectlAreTheSame(t *testing.T) {
	eachHelm(t, func(t *testing.T, render func(...string) []object) {
		chart := render("althing-crds", "charts/althing-crds")
		keys := append(slices.Clone(helmsOwn), ofARelease...)
		same(t, without(t, chart, keys), without(t, manifestsIn(t, inRoot("crds/manifests")), nil))
	})
}

func TestSampleByFolderAndByKustomizationIsTheSame(t *testing.T) {
	for _, folder := range []string{"deploy/samples/four-agencies", "deploy/samples/four-agencies-sm"} {
		t.Run(folder, func(t *testing.T) {
			built := documents(t, output(t, program(t, "KUBECTL"), "kustomize", folder))
			same(t, without(t, manifestsIn(t, inRoot(folder)), nil), without(t, built, nil))
		})
	}
}

func TestSamplesOfTheTwoEditionsDifferInTheEditionAlone(t *testing.T) {
	files := func(folder string) map[string]string {
		found := map[string]string{}
		entries, err := os.ReadDir(inRoot(folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			text, err := os.ReadFile(filepath.Join(inRoot(folder), entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found[entry.Name()] = string(text)
		}
		return found
	}
	standard, sm := files("deploy/samples/four-agencies"), files("deploy/samples/four-agencies-sm")
	const field = "  cryptography: "
	if strings.Count(standard["consortium.yaml"], field+"Standard\n") != 1 {
		t.Errorf("consortium.yaml of the standard edition says its edition once")
	}
	standard["consortium.yaml"] = strings.Replace(standard["consortium.yaml"], field+"Standard\n", field+"SM\n", 1)
	for name, text := range standard {
		if other, isThere := sm[name]; !isThere {
			t.Errorf("four-agencies-sm lacks %s", name)
		} else if text != other {
			t.Errorf("%s: %s", name, firstDifference(text, other))
		}
		delete(sm, name)
	}
	for name := range sm {
		t.Errorf("four-agencies lacks %s", name)
	}
}

func TestSampleMovesToAnotherNamespaceAsAWhole(t *testing.T) {
	for _, value := range documents(t, output(t, program(t, "KUBECTL"), "kustomize", "deploy/checks/testdata/moved")) {
		namespace := textAt(value, "metadata", "namespace")
		if value["kind"] == "Namespace" {
			namespace = textAt(value, "metadata", "name")
		}
		if namespace != "elsewhere" {
			t.Errorf("%s stayed behind", identity(value))
		}
	}
}
