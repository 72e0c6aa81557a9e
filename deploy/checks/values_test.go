package checks

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leaves are the values of a chart by their paths; a value whose fields the schema does not name is a leaf itself.
func leaves(path []string, value any, schema object, found map[string]string) {
	fields, _ := schema["properties"].(object)
	entries, isObject := value.(object)
	if !isObject || fields == nil {
		text, _ := json.Marshal(value)
		found[strings.Join(path, ".")] = string(text)
		return
	}
	for key, inner := range entries {
		described, _ := fields[key].(object)
		leaves(append(slices.Clone(path), key), inner, described, found)
	}
}

var row = regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| `(.*)` \\| (.+) \\|$")

func TestReadmesTellEveryValueAndItsDefault(t *testing.T) {
	for _, chart := range []string{"althing-crds", "althing"} {
		folder := inRoot("charts", chart)
		var schema object
		if err := json.Unmarshal(readFile(t, folder+"/values.schema.json"), &schema); err != nil {
			t.Fatal(err)
		}
		expected := map[string]string{}
		leaves(nil, documents(t, readFile(t, folder+"/values.yaml"))[0], schema, expected)
		told := map[string]string{}
		for _, match := range row.FindAllStringSubmatch(string(readFile(t, folder+"/README.md")), -1) {
			var value any
			if err := json.Unmarshal([]byte(match[2]), &value); err != nil {
				t.Fatalf("%s: %s: %v", chart, match[1], err)
			}
			text, _ := json.Marshal(value)
			told[match[1]] = string(text)
		}
		if len(expected) == 0 {
			t.Fatalf("%s has no values", chart)
		}
		for _, path := range slices.Sorted(maps.Keys(expected)) {
			if told[path] != expected[path] {
				t.Errorf("%s: %s is %s, the README says %q", chart, path, expected[path], told[path])
			}
		}
		for path := range told {
			if _, isThere := expected[path]; !isThere {
				t.Errorf("%s: the README tells of %s, which there is not", chart, path)
			}
		}
	}
}

// everyObject calls visit with every schema of an object whose fields are named.
func everyObject(path string, schema object, visit func(path string, schema object)) {
	if fields, isThere := schema["properties"].(object); isThere {
		visit(path, schema)
		for key, inner := range fields {
			everyObject(path+"."+key, inner.(object), visit)
		}
	}
}

func TestSchemasOfValuesAreClosed(t *testing.T) {
	for _, chart := range []string{"althing-crds", "althing"} {
		var schema object
		if err := json.Unmarshal(readFile(t, inRoot("charts", chart, "values.schema.json")), &schema); err != nil {
			t.Fatal(err)
		}
		everyObject(chart, schema, func(path string, schema object) {
			if schema["additionalProperties"] != false {
				t.Errorf("%s takes values it does not know", path)
			}
		})
	}
}
