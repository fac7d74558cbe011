package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// goMod is what go mod edit -json says.
type goMod struct {
	Module    struct{ Path string }
	Go        string
	Toolchain string
	Require   []struct{ Path, Version string }
	Replace   []struct {
		Old, New struct{ Path, Version string }
	}
}

func readGoMod(t *testing.T, dir string) goMod {
	t.Helper()
	out, err := goTool(t.Context(), dir, []string{"GOWORK=off"}, "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var m goMod
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// moduleDirs lists the folders of all modules, each named by go.work.
func moduleDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, pattern := range []string{"shared", "functions/*", "cmd/*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern, "go.mod"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		for _, mod := range found {
			dirs = append(dirs, filepath.Dir(mod))
		}
	}
	return dirs
}

// TestModules checks what Google's build and this packing ask of the modules.
// The version of Go is the one that Google's libraries ask for and the runtime
// go126 has; a toolchain line could ask for one that it has not.
func TestModules(t *testing.T) {
	for _, dir := range moduleDirs(t) {
		m := readGoMod(t, dir)
		want := "github.com/citasync/citasync/" + filepath.ToSlash(strings.TrimPrefix(dir, root+"/"))
		if m.Module.Path != want || m.Go != "1.26.0" || m.Toolchain != "" {
			t.Errorf("%s/go.mod: module %s, go %s, toolchain %q", dir, m.Module.Path, m.Go, m.Toolchain)
		}
		if !strings.HasPrefix(m.Module.Path, modules) {
			continue
		}
		if len(m.Replace) != 1 || m.Replace[0].Old.Path != "github.com/citasync/citasync/shared" || m.Replace[0].New.Path != "../../shared" {
			t.Errorf("%s/go.mod replaces %v", dir, m.Replace)
		}
	}
}

// TestWorkspace checks that go.work names every module, and no other.
func TestWorkspace(t *testing.T) {
	out, err := goTool(t.Context(), root, nil, "work", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var work struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(out, &work); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, u := range work.Use {
		used[filepath.Join(root, u.DiskPath)] = true
	}
	dirs := moduleDirs(t)
	for _, dir := range dirs {
		if !used[dir] {
			t.Errorf("go.work does not name %s", dir)
		}
	}
	if len(used) != len(dirs) {
		t.Errorf("go.work names %d modules of %d", len(used), len(dirs))
	}
}

// TestModulesAlone checks each module without the workspace: go.mod and go.sum
// are tidy, and what builds and vets in the workspace does so by itself.
func TestModulesAlone(t *testing.T) {
	for _, dir := range moduleDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, args := range [][]string{{"mod", "tidy", "-diff"}, {"build", "-o", os.DevNull, "./..."}, {"vet", "./..."}} {
				if _, err := goTool(t.Context(), dir, []string{"GOWORK=off"}, args...); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestFunctionRoots checks the sources as Google's build would see them if the
// folder itself were deployed: tests of another package at the root fail it.
func TestFunctionRoots(t *testing.T) {
	fns, err := functions(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fns {
		if err := checkRoot(f.dir); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		if packages, _, _ := rootPackages(f.dir); packages[0] != f.name {
			t.Errorf("%s: the package is %s", f.name, packages[0])
		}
	}
}
