package checks

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A JSON object.
type object = map[string]any

// The project's folder, from this one.
const root = "../.."

func inRoot(parts ...string) string {
	return filepath.Join(append([]string{root}, parts...)...)
}

// program is the program an environment variable names.
func program(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("$%s must name a program; scripts/charts.sh sets it", variable)
	}
	return path
}

// output runs a program in the project's folder.
func output(t *testing.T, program string, arguments ...string) []byte {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Dir = root
	var said bytes.Buffer
	command.Stderr = &said
	text, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, said.String())
	}
	return text
}

// documents are the documents of YAML, without empty ones.
func documents(t *testing.T, text []byte) []object {
	t.Helper()
	var found []object
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document object
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(document) > 0 {
			found = append(found, document)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// manifestsIn are the documents of every YAML file directly in a folder.
func manifestsIn(t *testing.T, folder string) []object {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests in %s (%v)", folder, err)
	}
	var found []object
	for _, file := range files {
		found = append(found, documents(t, readFile(t, file))...)
	}
	return found
}

// at is what lies at a path of keys, nil when something is missing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		inner, isObject := value.(object)
		if !isObject {
			return nil
		}
		value = inner[key]
	}
	return value
}

func textAt(value any, keys ...string) string {
	text, _ := at(value, keys...).(string)
	return text
}

// identity names an object as kubectl would.
func identity(value object) string {
	parts := []string{textAt(value, "kind"), textAt(value, "metadata", "namespace"), textAt(value, "metadata", "name")}
	return strings.Join(parts, "/")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
