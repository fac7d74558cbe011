package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const framework = "github.com/GoogleCloudPlatform/functions-framework-go"

// googleBuild makes a binary of an unpacked upload the way Google's build does,
// and returns its path: the steps are those of BuildFn and
// createMainGoModVendored in cmd/go/functions_framework and of BuildFn in
// cmd/go/build of GoogleCloudPlatform/buildpacks, for go.mod beside vendor and
// Go 1.23 or later. No network and no module cache is there.
//
// Two flags are not Google's, -trimpath and -ldflags: with them all uploads
// share what was compiled once, and linking is short.
func googleBuild(ctx context.Context, f function, source string) (string, error) {
	dir := filepath.Dir(source) // nothing else is in it
	env := []string{
		"GOWORK=off", "GOFLAGS=-mod=vendor", "GOPROXY=off", "GOTOOLCHAIN=local", "GOMODCACHE=" + filepath.Join(dir, "nothing"),
	}
	if err := checkRoot(source); err != nil {
		return "", err
	}
	module, err := goTool(ctx, source, env, "list", "-m")
	if err != nil {
		return "", err
	}
	if got := strings.TrimSpace(string(module)); got != f.importPath() { // its first element must have a dot
		return "", fmt.Errorf("the module is %s", got)
	}
	if _, err := os.Stat(filepath.Join(source, "vendor", framework, "funcframework")); err != nil {
		return "", fmt.Errorf("the framework is not vendored: %w", err)
	}
	if _, err := goTool(ctx, source, env, "list", "-m", "-f", "{{.Version}}", framework); err != nil {
		return "", fmt.Errorf("go.mod does not require the framework: %w", err)
	}
	app := filepath.Join(source, "functions.local", "app")
	if err := writeFile(filepath.Join(app, "main.go"), bytes.NewReader(mainFile(f))); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "bin", "main")
	_, err = goTool(ctx, source, env, "build", "-trimpath", "-ldflags=-s -w", "-o", binary, app)
	return binary, err
}

// checkRoot checks what Google's build asks of the folder's root: one package
// in all of its Go files, which imports the framework's package functions
// itself (that is how the build knows that the function registers itself), and
// a go.mod that may be written to.
func checkRoot(source string) error {
	packages, imports, err := rootPackages(source)
	if err != nil {
		return err
	}
	if len(packages) != 1 {
		return fmt.Errorf("the packages at the root are %v", packages)
	}
	if !slices.Contains(imports, framework+"/functions") {
		return errors.New("the package at the root does not import the framework's package functions")
	}
	info, err := os.Stat(filepath.Join(source, "go.mod"))
	if err == nil && info.Mode()&0o200 == 0 {
		return errors.New("go.mod is not writable")
	}
	return err
}

// rootPackages lists the packages and the imports of all Go files of a folder,
// as converter/get_package does there: of tests too.
func rootPackages(dir string) (packages, imports []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return nil, nil, err
		}
		packages = append(packages, parsed.Name.Name)
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, nil, err
			}
			imports = append(imports, path)
		}
	}
	slices.Sort(packages)
	return slices.Compact(packages), imports, nil
}

// unzip unpacks an upload into dir.
func unzip(path, dir string) error {
	z, err := zip.OpenReader(path) // refuses absolute names and such that leave the folder
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(writeFile(filepath.Join(dir, f.Name), r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

func TestRootPackages(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.go": "package a\n\nimport \"fmt\"\n", "a_test.go": "package a_test\n\nimport _ \"os\"\n", "sub/b.go": "package b\n",
	})
	packages, imports, err := rootPackages(dir)
	if err != nil || !slices.Equal(packages, []string{"a", "a_test"}) || !slices.Equal(imports, []string{"fmt", "os"}) {
		t.Errorf("got %v, %v, %v", packages, imports, err)
	}
}
