package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// archive says what was put into a zip.
type archive struct {
	files int
	bytes int64 // unpacked
}

// writeZip writes files to w such that the bytes depend on the files' names
// and contents alone: always in the same order, all of one mode and time,
// without entries for folders. A name that begins with a dot is left out: such
// are the settings of the tools of those whose code is vendored.
func writeZip(w io.Writer, files fs.FS) (archive, error) {
	z := zip.NewWriter(w)
	var a archive
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is not a regular file", name)
		}
		n, err := addFile(z, files, name)
		a.files++
		a.bytes += n
		return err
	})
	return a, errors.Join(err, z.Close())
}

// addFile adds a file, and returns its size.
func addFile(z *zip.Writer, files fs.FS, name string) (int64, error) {
	// The first moment that a zip can name. Google's build needs go.mod to be
	// writable by its owner.
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o644)
	w, err := z.CreateHeader(h)
	if err != nil {
		return 0, err
	}
	file, err := files.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.Copy(w, file)
}
