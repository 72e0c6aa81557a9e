// Command schemas writes the JSON schemas kubeconform checks manifests against, without asking anybody on the network: of
// Kubernetes' own kinds from the OpenAPI document in its source, of others from folders of CustomResourceDefinitions.
//
//	schemas OUT SWAGGER CRDS…
//
// Schemas are strict: a field nobody knows is refused, as the API server's strict validation does.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A JSON object.
type object = map[string]any

const (
	draft  = "http://json-schema.org/draft-07/schema#"
	prefix = "#/definitions/"
	gvkKey = "x-kubernetes-group-version-kind"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: schemas OUT SWAGGER CRDS…")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(out, swagger string, folders []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := fromSwagger(swagger, out); err != nil {
		return fmt.Errorf("%s: %w", swagger, err)
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("%s holds no definitions (%v)", folder, err)
		}
		for _, file := range files {
			if err := fromDefinitions(file, out); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

func fromSwagger(path, out string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var document struct {
		Definitions map[string]object `json:"definitions"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	for name, definition := range document.Definitions {
		document.Definitions[name] = strict(definition).(object)
	}
	for name, definition := range document.Definitions {
		kinds, _ := definition[gvkKey].([]any)
		// Options of requests are of every group.
		if len(kinds) != 1 {
			continue
		}
		kind := kinds[0].(object)
		schema := object{"$schema": draft, "$ref": prefix + name, "definitions": reachable(document.Definitions, name)}
		if err := write(out, kind["group"].(string), kind["version"].(string), kind["kind"].(string), schema); err != nil {
			return err
		}
	}
	return nil
}

// strict closes every object whose fields are known, and lets through what OpenAPI cannot say of numbers in texts.
func strict(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = strict(value[i])
		}
	case object:
		isNumberOrText := value["format"] == "int-or-string" || value["x-kubernetes-int-or-string"] == true
		text, _ := value["description"].(string)
		if isNumberOrText || strings.HasPrefix(text, "Quantity is a fixed-point representation") {
			return object{"type": []any{"string", "integer", "number"}}
		}
		for key, inner := range value {
			value[key] = strict(inner)
		}
		// A field called `properties` is a schema itself, not a list of fields.
		_, hasFields := value["properties"].(object)
		_, isOpen := value["additionalProperties"]
		if hasFields && value["type"] == "object" && !isOpen && value["x-kubernetes-preserve-unknown-fields"] != true {
			value["additionalProperties"] = false
		}
		if value["nullable"] == true {
			if kind, isOne := value["type"].(string); isOne {
				value["type"] = []any{kind, "null"}
			}
			if values, isEnum := value["enum"].([]any); isEnum {
				value["enum"] = append(values, nil)
			}
		}
	}
	return value
}

// reachable are the definitions a definition needs, itself included.
func reachable(all map[string]object, root string) object {
	found := object{}
	var visit func(value any)
	visit = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, inner := range value {
				visit(inner)
			}
		case object:
			reference, _ := value["$ref"].(string)
			name := strings.TrimPrefix(reference, prefix)
			if _, isKnown := found[name]; reference != "" && !isKnown {
				found[name] = all[name]
				visit(all[name])
			}
			for _, inner := range value {
				visit(inner)
			}
		}
	}
	found[root] = all[root]
	visit(all[root])
	return found
}

type definition struct {
	Kind string
	Spec struct {
		Group    string
		Names    struct{ Kind string }
		Versions []struct {
			Name   string
			Schema struct {
				OpenAPIV3Schema object `yaml:"openAPIV3Schema"`
			}
		}
	}
}

func fromDefinitions(path, out string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for decoder := yaml.NewDecoder(file); ; {
		var found definition
		if err := decoder.Decode(&found); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if found.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, version := range found.Spec.Versions {
			schema := version.Schema.OpenAPIV3Schema
			fields := schema["properties"].(object)
			// The API server knows these of every kind.
			fields["apiVersion"] = object{"const": found.Spec.Group + "/" + version.Name}
			fields["kind"] = object{"const": found.Spec.Names.Kind}
			fields["metadata"] = object{"type": "object", "required": []any{"name"}}
			schema = strict(schema).(object)
			schema["$schema"] = draft
			if err := write(out, found.Spec.Group, version.Name, found.Spec.Names.Kind, schema); err != nil {
				return err
			}
		}
	}
}

// write names files as kubeconform's template {{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }} asks for them.
func write(out, group, version, kind string, schema object) error {
	if group == "" {
		group = version
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s-%s.json", strings.ToLower(kind), group, version)
	return os.WriteFile(filepath.Join(out, name), text, 0o644)
}
