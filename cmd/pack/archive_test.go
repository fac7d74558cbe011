package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree writes files by their paths below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipped(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := writeZip(&b, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// names lists what is in a zip, in its order.
func names(t *testing.T, data []byte) []string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return names
}

func TestWriteZip(t *testing.T) {
	dir := tree(t, map[string]string{
		"b.go": "b", "a/c.go": "c", "a/.gitignore": "x", ".env": "SECRET=1", ".git/config": "x", "z": "",
	})
	var b bytes.Buffer
	a, err := writeZip(&b, os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if a != (archive{files: 3, bytes: 2}) {
		t.Errorf("said that it is %+v", a)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a/c.go": "c", "b.go": "b", "z": ""}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if text, ok := want[f.Name]; err != nil || !ok || text != string(content) {
			t.Errorf("%s is %q, %v", f.Name, content, err)
		}
		delete(want, f.Name)
		if f.Mode() != 0o644 || !f.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s has mode %v and time %v", f.Name, f.Mode(), f.Modified)
		}
	}
	if len(want) > 0 {
		t.Errorf("%v are missing", want)
	}
}

// TestZipIsOfContentAlone makes the same files a second time elsewhere, at
// another time and with other modes.
func TestZipIsOfContentAlone(t *testing.T) {
	files := map[string]string{"go.mod": "module x", "a/b.go": strings.Repeat("package a\n", 1000), "a-b.go": ""}
	one, two := tree(t, files), tree(t, files)
	for name := range files {
		path := filepath.Join(two, name)
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := zipped(t, two), zipped(t, one); !bytes.Equal(got, want) {
		t.Errorf("%v and %v differ", names(t, got), names(t, want))
	}
	if err := os.WriteFile(filepath.Join(two, "a-b.go"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(zipped(t, two), zipped(t, one)) {
		t.Error("other content is the same zip")
	}
}

func TestZipTakesRegularFilesOnly(t *testing.T) {
	dir := tree(t, map[string]string{"a": "a"})
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := writeZip(io.Discard, os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link: %v", err)
	}
}
