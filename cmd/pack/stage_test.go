package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repository is a small one of the same shape, with one function, and all
// around it what must not be uploaded.
func repository(t *testing.T) string {
	t.Helper()
	return tree(t, map[string]string{
		"shared/go.mod":              "module github.com/citasync/citasync/shared\n\ngo 1.26.0\n",
		"shared/greet/greet.go":      "package greet\n\nfunc Hello() string { return \"hello\" }\n",
		"shared/greet/greet_test.go": "package greet\n",
		"shared/greet/.gitignore":    "x",
		"shared/unused/unused.go":    "package unused\n",
		"functions/hello/go.mod": "module github.com/citasync/citasync/functions/hello\n\ngo 1.26.0\n\n" +
			"require github.com/citasync/citasync/shared v0.0.0\n\nreplace github.com/citasync/citasync/shared => ../../shared\n",
		"functions/hello/go.sum": "",
		"functions/hello/hello.go": "package hello\n\nimport (\n\t\"embed\"\n\n\t\"github.com/citasync/citasync/functions/hello/words\"\n" +
			"\t\"github.com/citasync/citasync/shared/greet\"\n)\n\n//go:embed page/*.html\nvar pages embed.FS\n\n" +
			"func Hello() (string, string, embed.FS) { return greet.Hello(), words.Bye, pages }\n",
		"functions/hello/page/a.html":          "<p>",
		"functions/hello/page/notes.txt":       "not embedded",
		"functions/hello/words/words.go":       "package words\n\nconst Bye = \"bye\"\n",
		"functions/hello/words/words_test.go":  "package words\n",
		"functions/hello/hello_test.go":        "package hello\n",
		"functions/hello/testdata/golden.html": "<p>",
		"functions/hello/tools/tools.go":       "package main\n\nfunc main() {}\n",
		"functions/hello/go.work":              "go 1.26.0\n\nuse .\n",
		"functions/hello/.env":                 "GOOGLE_CLIENT_SECRET=hidden",
		"functions/hello/keys.json":            "{}",
		"functions/hello/hello":                "a binary",
	})
}

// packed packs the functions of a repository, and returns the one's zip.
func packed(t *testing.T, root, name string) []byte {
	t.Helper()
	out := t.TempDir()
	if err := run(t.Context(), &bytes.Buffer{}, root, []string{"package", out}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(out, name+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUploadIsWhatTheBuildReads(t *testing.T) {
	data := packed(t, repository(t), "hello")
	want := []string{
		"go.mod", "go.sum", "hello.go", "page/a.html",
		"vendor/github.com/citasync/citasync/shared/greet/greet.go", "vendor/modules.txt", "words/words.go",
	}
	if got := names(t, data); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestNothingIsLeftBehind sees to it that packing leaves the tree and the
// folder for the uploads as they were, but for the uploads.
func TestNothingIsLeftBehind(t *testing.T) {
	root, out := repository(t), t.TempDir()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	before := list(t, root)
	if err := run(t.Context(), &bytes.Buffer{}, root, []string{"package", out}); err != nil {
		t.Fatal(err)
	}
	if after := list(t, root); !slices.Equal(before, after) {
		t.Errorf("the repository has %v, it had %v", after, before)
	}
	if got := list(t, out); !slices.Equal(got, []string{"hello.zip"}) {
		t.Errorf("made %v", got)
	}
	if got := list(t, tmp); len(got) > 0 {
		t.Errorf("left %v", got)
	}
}

// list lists the files below a folder.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFailureKeepsTheLastUpload breaks a function after it was packed.
func TestFailureKeepsTheLastUpload(t *testing.T) {
	root, out := repository(t), t.TempDir()
	pack := func() error { return run(t.Context(), &bytes.Buffer{}, root, []string{"package", out}) }
	if err := pack(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(out, "hello.zip"))
	if err != nil {
		t.Fatal(err)
	}
	broken := "package hello\n\nimport _ \"github.com/citasync/citasync/shared/nowhere\"\n"
	if err := os.WriteFile(filepath.Join(root, "functions/hello/hello.go"), []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := pack(); err == nil || !strings.Contains(err.Error(), "hello") || !strings.Contains(err.Error(), "shared/nowhere") {
		t.Errorf("an import of nothing: %v", err)
	}
	if now, err := os.ReadFile(filepath.Join(out, "hello.zip")); err != nil || !bytes.Equal(now, good) || len(list(t, out)) != 1 {
		t.Errorf("after a failure there is %v, %v", list(t, out), err)
	}
}

func TestReport(t *testing.T) {
	var b bytes.Buffer
	out := t.TempDir()
	if err := run(t.Context(), &b, repository(t), []string{"package", out}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, filepath.Join(out, "hello.zip")+"  0.0 MB, 7 files") || strings.Count(got, "\n") != 1 {
		t.Errorf("printed %q", got)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"deploy"}, {"build", "a", "b"}} {
		if err := run(t.Context(), &bytes.Buffer{}, ".", args); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
	err := run(t.Context(), &bytes.Buffer{}, t.TempDir(), []string{"package"})
	if err == nil || !strings.Contains(err.Error(), "root of the repository") {
		t.Errorf("elsewhere: %v", err)
	}
}

// TestLinksOutAreRefused puts a link to what is elsewhere among the sources.
func TestLinksOutAreRefused(t *testing.T) {
	root := repository(t)
	outside := tree(t, map[string]string{"other.go": "package hello\n"})
	if err := os.Symlink(filepath.Join(outside, "other.go"), filepath.Join(root, "functions/hello/other.go")); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), &bytes.Buffer{}, root, []string{"package", t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "hello") || !strings.Contains(err.Error(), "other.go") {
		t.Errorf("a link out of the folder: %v", err)
	}
}
