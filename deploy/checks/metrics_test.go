package checks

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type panel struct {
	ID      int
	Title   string
	Type    string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

type dashboard struct {
	UID, Title string
	Panels     []panel
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(inRoot("charts/althing/files/dashboards/*.json"))
	if err != nil || len(files) != 3 {
		t.Fatalf("3 dashboards expected, found %v (%v)", files, err)
	}
	found := map[string]dashboard{}
	for _, file := range files {
		var one dashboard
		if err := json.Unmarshal(readFile(t, file), &one); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[filepath.Base(file)] = one
	}
	return found
}

func TestDashboardsAreWellFormed(t *testing.T) {
	uids := map[string]string{}
	for file, one := range dashboards(t) {
		if other, isTaken := uids[one.UID]; isTaken || one.UID == "" {
			t.Errorf("%s: uid %q is empty or that of %s", file, one.UID, other)
		}
		uids[one.UID] = file
		ids, cells := map[int]bool{}, map[string]string{}
		for _, p := range one.Panels {
			if ids[p.ID] {
				t.Errorf("%s: panel %d is there twice", file, p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: %q is off the grid", file, p.Title)
			}
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					cell := fmt.Sprint(p.GridPos.X+x, " ", p.GridPos.Y+y)
					if other, isTaken := cells[cell]; isTaken {
						t.Fatalf("%s: %q lies on %q", file, p.Title, other)
					}
					cells[cell] = p.Title
				}
			}
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: %q asks for nothing", file, p.Title)
			}
		}
	}
}

// Everything dashboards and alerts ask Prometheus for, by where it is asked.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for file, one := range dashboards(t) {
		for _, p := range one.Panels {
			for i, target := range p.Targets {
				found[fmt.Sprintf("%s, %q, %d", file, p.Title, i+1)] = target.Expr
			}
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(readFile(t, inRoot("deploy/monitoring/alerts.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			found[rule.Alert] = rule.Expr
		}
	}
	return found
}

// The names of metrics in the sources of node and operator: the first text of a registration.
var registration = regexp.MustCompile(`register(?:_with_unit)?\(\s*"([a-z_]+)"`)

func exported(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, folder := range []string{"node", "operator/kubernetes"} {
		before := len(names)
		err := filepath.WalkDir(inRoot(folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Name() != "metrics.rs" {
				return err
			}
			text, err := os.ReadFile(path)
			prefix := "althing_"
			if strings.Contains(string(text), `sub_registry_with_prefix("althing_rpc")`) {
				prefix = "althing_rpc_"
			}
			for _, found := range registration.FindAllStringSubmatch(string(text), -1) {
				names[prefix+strings.TrimPrefix(found[1], "althing_")] = true
			}
			return err
		})
		if err != nil || len(names) < before+7 {
			t.Fatalf("%d names found in the source of %s (%v)", len(names)-before, folder, err)
		}
	}
	return names
}

func TestNothingIsAskedForThatNobodyExports(t *testing.T) {
	names := exported(t)
	mentioned := regexp.MustCompile(`althing_[a-z_]+`)
	for where, expression := range expressions(t) {
		for _, name := range mentioned.FindAllString(expression, -1) {
			known := names[name]
			for _, suffix := range []string{"_total", "_bytes", "_seconds", "_seconds_total", "_bucket", "_count", "_sum", "_seconds_bucket", "_seconds_count"} {
				known = known || names[strings.TrimSuffix(name, suffix)]
			}
			if !known {
				t.Errorf("%s: nobody exports %s", where, name)
			}
		}
	}
}

func TestEveryExpressionOfADashboardIsPromQL(t *testing.T) {
	grafana := strings.NewReplacer("$__rate_interval", "5m", "$namespace", "a", "$consortium", "a", "$group", "a", "$node", "a")
	var rules []object
	for where, expression := range expressions(t) {
		rules = append(rules, object{"record": "checked", "expr": grafana.Replace(expression), "labels": object{"where": where}})
	}
	text, err := yaml.Marshal(object{"groups": []object{{"name": "checked", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	output(t, program(t, "PROMTOOL"), "check", "rules", file)
}

func TestEveryAlertIsSeenToFire(t *testing.T) {
	var tests struct {
		Tests []struct {
			Rules []struct {
				Alert    string           `yaml:"alertname"`
				Expected []map[string]any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	fired := map[string]bool{}
	for _, file := range []string{"alerts.yaml", "certificates.yaml"} {
		if err := yaml.Unmarshal(readFile(t, inRoot("deploy/monitoring/tests", file)), &tests); err != nil {
			t.Fatal(err)
		}
		for _, test := range tests.Tests {
			for _, rule := range test.Rules {
				fired[rule.Alert] = fired[rule.Alert] || len(rule.Expected) > 0
			}
		}
	}
	alerts := 0
	for where := range expressions(t) {
		if strings.HasPrefix(where, "Althing") {
			alerts++
			if !fired[where] {
				t.Errorf("no test of %s expects it", where)
			}
		}
	}
	if alerts == 0 {
		t.Error("there are no alerts")
	}
}
