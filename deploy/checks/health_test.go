package checks

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// healthOf runs the check as Argo CD does: `obj` is the object, the script returns a table with status and message.
func healthOf(t *testing.T, value any) (status, message string) {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	// Argo CD opens no more than these unless told to.
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString,
	} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", toLua(state, value))
	script := readFile(t, inRoot("deploy/gitops/argocd/health/health.lua"))
	if err := state.DoString(string(script)); err != nil {
		t.Fatal(err)
	}
	table, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		t.Fatalf("the check returned %v", state.Get(-1))
	}
	return state.GetField(table, "status").String(), state.GetField(table, "message").String()
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case object:
		table := state.NewTable()
		for key, inner := range value {
			table.RawSetString(key, toLua(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range value {
			table.Append(toLua(state, inner))
		}
		return table
	case string:
		return lua.LString(value)
	case int:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	default:
		return lua.LNil
	}
}

func TestHealthOfTheFourKinds(t *testing.T) {
	cases := []struct {
		name, object, status, words string
	}{
		{"no status", `metadata: {generation: 1}`, "Progressing", "not looked at"},
		{"no conditions", `{metadata: {generation: 1}, status: {observedGeneration: 1}}`, "Progressing", "not looked at"},
		{"ready", `
metadata: {generation: 2}
status:
  observedGeneration: 2
  conditions:
    - {type: Ready, status: "True", reason: Running, message: runs, observedGeneration: 2}
    - {type: Reconciling, status: "False", observedGeneration: 2}
    - {type: Stalled, status: "False", observedGeneration: 2}`, "Healthy", "runs"},
		{"ready, and the chain is not there yet", `
metadata: {generation: 2}
status:
  observedGeneration: 2
  conditions:
    - {type: Ready, status: "True", message: runs, observedGeneration: 2}
    - {type: InSync, status: "False", message: 2 of 3 votes, observedGeneration: 2}`, "Healthy", "runs; waits for others: 2 of 3 votes"},
		{"reconciling", `
metadata: {generation: 1}
status:
  observedGeneration: 1
  conditions:
    - {type: Ready, status: "False", message: no, observedGeneration: 1}
    - {type: Reconciling, status: "True", message: the volume is not bound yet, observedGeneration: 1}`, "Progressing", "not bound"},
		{"ready while something is being changed", `
metadata: {generation: 1}
status:
  observedGeneration: 1
  conditions:
    - {type: Ready, status: "True", message: runs, observedGeneration: 1}
    - {type: Reconciling, status: "True", message: 2 of 4 pods are of the new image, observedGeneration: 1}`, "Progressing", "2 of 4"},
		{"stalled", `
metadata: {generation: 3}
status:
  observedGeneration: 3
  conditions:
    - {type: Ready, status: "False", message: no, observedGeneration: 3}
    - {type: Stalled, status: "True", message: the key Secret is missing, observedGeneration: 3}`, "Degraded", "key Secret"},
		{"stalled goes before reconciling", `
metadata: {generation: 3}
status:
  conditions:
    - {type: Reconciling, status: "True", message: tries, observedGeneration: 3}
    - {type: Stalled, status: "True", message: the key Secret is missing, observedGeneration: 3}`, "Degraded", "key Secret"},
		{"an older manifest was ready", `
metadata: {generation: 3}
status:
  observedGeneration: 2
  conditions:
    - {type: Ready, status: "True", message: runs, observedGeneration: 2}`, "Progressing", "newest manifest"},
		{"an older manifest was stalled", `
metadata: {generation: 3}
status:
  observedGeneration: 2
  conditions:
    - {type: Stalled, status: "True", message: wrong, observedGeneration: 2}`, "Progressing", "newest manifest"},
		{"a condition is older than the status", `
metadata: {generation: 3}
status:
  observedGeneration: 3
  conditions:
    - {type: Ready, status: "True", message: runs, observedGeneration: 2}`, "Progressing", "runs"},
		{"neither ready nor anything else", `
metadata: {generation: 1}
status:
  observedGeneration: 1
  conditions:
    - {type: Ready, status: Unknown, observedGeneration: 1}`, "Progressing", "not ready yet"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, message := healthOf(t, documents(t, []byte(c.object))[0])
			if status != c.status || !strings.Contains(message, c.words) {
				t.Errorf("expected %s with %q, found %s with %q", c.status, c.words, status, message)
			}
		})
	}
}

func TestEveryKindHasTheHealthCheck(t *testing.T) {
	script := string(readFile(t, inRoot("deploy/gitops/argocd/health/health.lua")))
	objects := documents(t, output(t, program(t, "KUBECTL"), "kustomize", "deploy/gitops/argocd/health"))
	if len(objects) != 1 || identity(objects[0]) != "ConfigMap/argocd/argocd-cm" {
		t.Fatalf("one ConfigMap, argocd-cm, expected: %v", objects)
	}
	data := objects[0]["data"].(object)
	kinds := 0
	for _, definition := range manifestsIn(t, inRoot("crds/manifests")) {
		if definition["kind"] != "CustomResourceDefinition" {
			continue
		}
		kinds++
		key := "resource.customizations.health.althing.dev_" + textAt(definition, "spec", "names", "kind")
		if textAt(data, key) != script {
			t.Errorf("%s is not health.lua", key)
		}
	}
	if kinds != len(data) {
		t.Errorf("%d kinds, %d keys", kinds, len(data))
	}
}
