package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// workspace is the repository with what else a build needs: the command, a
// workspace, and in it a framework that says how it was started.
func workspace(t *testing.T) string {
	t.Helper()
	root := repository(t)
	add := tree(t, map[string]string{
		"go.work":              "go 1.26.0\n\nuse (\n\t./cmd/citasync\n\t./framework\n\t./functions/hello\n\t./shared\n)\n",
		"cmd/citasync/go.mod":  "module github.com/citasync/citasync/cmd/citasync\n\ngo 1.26.0\n",
		"cmd/citasync/main.go": "package main\n\nfunc main() { println(\"the command\") }\n",
		"framework/go.mod":     "module " + framework + "\n\ngo 1.26.0\n",
		"framework/funcframework/start.go": "package funcframework\n\nimport \"errors\"\n\n" +
			"func StartHostPort(host, port string) error { return errors.New(\"nothing to serve on \" + host + \":\" + port) }\n",
	})
	if err := os.CopyFS(root, os.DirFS(add)); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestBuild(t *testing.T) {
	root := workspace(t)
	before := list(t, root)
	if err := run(t.Context(), &bytes.Buffer{}, root, []string{"build"}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, filepath.Join(root, "dist/bin")); !slices.Equal(got, []string{"citasync", "hello"}) {
		t.Fatalf("built %v", got)
	}
	binary := filepath.Join(root, "dist/bin/hello")
	tests := []struct {
		env  []string
		want string
	}{
		{[]string{"FUNCTION_TARGET=hello", "PORT=9000"}, "cannot serve: nothing to serve on :9000"},
		{[]string{"FUNCTION_TARGET=hello"}, "cannot serve: nothing to serve on :8080"},
		{[]string{"FUNCTION_TARGET=hello", "LOCAL_ONLY=true"}, "cannot serve: nothing to serve on 127.0.0.1:8080"},
		{[]string{"PORT=9000"}, "FUNCTION_TARGET is not set: set it to hello"},
	}
	for _, test := range tests {
		if status, said := start(t, binary, test.env...).wait(t); status != 1 || !strings.Contains(said, test.want) {
			t.Errorf("%v: ended with %d; it said %s", test.env, status, said)
		}
	}
	if err := os.RemoveAll(filepath.Join(root, "dist")); err != nil {
		t.Fatal(err)
	}
	if after := list(t, root); !slices.Equal(before, after) {
		t.Errorf("the repository has %v, it had %v", after, before)
	}
}

// TestBuildElsewhere names a folder outside the repository, and breaks what is
// built.
func TestBuildElsewhere(t *testing.T) {
	root, out := workspace(t), t.TempDir()
	build := func() error { return run(t.Context(), &bytes.Buffer{}, root, []string{"build", out}) }
	if err := build(); err != nil {
		t.Fatal(err)
	}
	if got := list(t, out); !slices.Equal(got, []string{"citasync", "hello"}) {
		t.Errorf("built %v", got)
	}
	if err := os.WriteFile(filepath.Join(root, "functions/hello/words/words.go"), []byte("package words\n\nconst Bye = 1 +\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := build(); err == nil || !strings.Contains(err.Error(), "words.go:4") {
		t.Errorf("a syntax error: %v", err)
	}
}
