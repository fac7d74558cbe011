package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sizeLimit is what Google took of a function's sources, compressed, in the
// first generation ("Quotas", cloud.google.com/functions/quotas); the second
// has no limit of its own. What vendoring brings is a small part of it; an
// upload that comes near it holds something that doesn't belong.
const sizeLimit = 100e6 / 5

// TestUploads packs the functions, builds each upload as Google does, and
// starts what it built.
func TestUploads(t *testing.T) {
	pack := command(t)
	here := snapshot(t, root)
	out, elsewhere := t.TempDir(), t.TempDir()
	t.Logf("made\n%s", pack(here, "package", out))
	pack(snapshot(t, here), "package", elsewhere)
	fns, err := functions(here)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fns {
		t.Run(f.name, func(t *testing.T) {
			upload := filepath.Join(out, f.name+".zip")
			checkSame(t, upload, filepath.Join(elsewhere, f.name+".zip"))
			source := filepath.Join(t.TempDir(), "serverless_function_source_code")
			if err := unzip(upload, source); err != nil {
				t.Fatal(err)
			}
			checkContent(t, source, here)
			binary, err := googleBuild(t.Context(), f, source)
			if err != nil {
				t.Fatal(err)
			}
			checkServes(t, f, binary)
			checkRefuses(t, f, binary)
		})
	}
}

// command builds this program, without the race detector, under which to
// compress takes ten times as long. It returns what runs it in a folder and
// returns what it prints.
func command(t *testing.T) func(dir string, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pack")
	if _, err := goTool(t.Context(), ".", nil, "build", "-o", binary, "."); err != nil {
		t.Fatal(err)
	}
	return func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
}

// snapshot copies the functions and what they need to another place, where
// nobody edits them meanwhile.
func snapshot(t *testing.T, root string) string {
	t.Helper()
	copied := t.TempDir()
	for _, dir := range []string{"functions", "shared"} {
		if err := os.CopyFS(filepath.Join(copied, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

// checkSame compares an upload with the same made again.
func checkSame(t *testing.T, upload, again string) {
	t.Helper()
	a, err := os.ReadFile(upload)
	if err != nil || len(a) > sizeLimit {
		t.Errorf("it has %d bytes, %v", len(a), err)
	}
	if b, err := os.ReadFile(again); err != nil || !bytes.Equal(a, b) {
		t.Errorf("made again elsewhere, it is another: %d and %d bytes, %v", len(a), len(b), err)
	}
}

// checkContent looks in an unpacked upload for what must not be uploaded.
func checkContent(t *testing.T, source, repository string) {
	t.Helper()
	for _, name := range list(t, source) {
		if forbidden(name) {
			t.Errorf("has %s", name)
		}
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{repository, os.TempDir() + "/citasync-pack-"} {
			if bytes.Contains(content, []byte(path)) {
				t.Errorf("%s names %s, a path of this machine", name, path)
			}
		}
	}
}

// forbidden says of a file's path that nothing of that name is uploaded.
func forbidden(name string) bool {
	for _, element := range strings.Split(name, "/") {
		if strings.HasPrefix(element, ".") || strings.HasPrefix(element, "go.work") || element == "testdata" {
			return true
		}
	}
	return strings.HasSuffix(name, "_test.go")
}
