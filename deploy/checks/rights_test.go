package checks

import (
	"fmt"
	"slices"
	"testing"
)

func rulesOf(value object) []object {
	var rules []object
	list, _ := value["rules"].([]any)
	for _, rule := range list {
		rules = append(rules, rule.(object))
	}
	return rules
}

func texts(value any) []string {
	var found []string
	list, _ := value.([]any)
	for _, text := range list {
		found = append(found, text.(string))
	}
	return found
}

func TestNoRightIsAWildcard(t *testing.T) {
	for _, overlay := range []string{"hosted", "per-agency"} {
		rules := 0
		for _, value := range kustomized(t, "deploy/kustomize/overlays/"+overlay) {
			for _, rule := range rulesOf(value) {
				rules++
				for _, list := range []string{"apiGroups", "resources", "verbs"} {
					if slices.Contains(texts(rule[list]), "*") {
						t.Errorf("%s %s: %v", overlay, identity(value), rule)
					}
				}
			}
		}
		if rules == 0 {
			t.Errorf("%s has no rules at all", overlay)
		}
	}
}

func TestPerAgencyHasNothingOutsideItsNamespace(t *testing.T) {
	for _, value := range kustomized(t, "deploy/kustomize/overlays/per-agency") {
		if textAt(value, "metadata", "namespace") != "agency-a" {
			t.Errorf("%s", identity(value))
		}
		subjects, _ := value["subjects"].([]any)
		for _, subject := range subjects {
			// A subject without a namespace is not one of the binding's: the API server refuses it.
			if textAt(subject, "namespace") != "agency-a" {
				t.Errorf("%s binds %v", identity(value), subject)
			}
		}
	}
}

func TestGroupsAreWrittenByNobodyWhoWasNotBoundByHand(t *testing.T) {
	writers := 0
	for _, value := range kustomized(t, "deploy/kustomize/overlays/hosted") {
		for _, rule := range rulesOf(value) {
			writes := slices.ContainsFunc(texts(rule["verbs"]), func(verb string) bool {
				return !slices.Contains([]string{"get", "list", "watch"}, verb)
			})
			if !writes || !slices.Contains(texts(rule["resources"]), "ledgergroups") {
				continue
			}
			writers++
			labels, _ := at(value, "metadata", "labels").(object)
			for _, role := range []string{"view", "edit", "admin"} {
				if labels[fmt.Sprintf("rbac.authorization.k8s.io/aggregate-to-%s", role)] != nil {
					t.Errorf("%s is aggregated to %s", identity(value), role)
				}
			}
		}
	}
	if writers != 1 {
		t.Errorf("one role writes groups, found %d", writers)
	}
}
