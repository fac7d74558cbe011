package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// upload is a function's zip.
type upload struct {
	archive
	path   string
	size   int64
	sha256 string
}

// packAll makes the upload of each function in out, relative to root, and
// prints what it made.
func packAll(ctx context.Context, w io.Writer, root, out string) error {
	fns, err := functions(root)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	if err := os.MkdirAll(out, 0o750); err != nil {
		return err
	}
	dir, err := os.OpenRoot(out)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // the uploads are closed by then
	uploads := make([]upload, len(fns))
	errs := make([]error, len(fns))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, f := range fns {
		all.Go(func() {
			free <- struct{}{}
			uploads[i], errs[i] = pack(ctx, f, dir)
			<-free
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return report(w, uploads)
}

// pack makes one function's upload in out. One that is there is replaced only
// by a whole one.
func pack(ctx context.Context, f function, out *os.Root) (upload, error) {
	tmp, err := os.MkdirTemp("", "citasync-pack-")
	if err != nil {
		return upload{}, err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // it is the system's to clean
	dir, err := stage(ctx, f, tmp)
	if err != nil {
		return upload{}, err
	}
	name := f.name + ".zip"
	u, err := writeUpload(out, name+".new", os.DirFS(dir))
	if err != nil {
		return upload{}, fmt.Errorf("%s: %w", f.name, errors.Join(err, out.Remove(name+".new")))
	}
	u.path = filepath.Join(out.Name(), name)
	return u, out.Rename(name+".new", name)
}

// writeUpload writes files as a zip.
func writeUpload(out *os.Root, name string, files fs.FS) (upload, error) {
	file, err := out.Create(name)
	if err != nil {
		return upload{}, err
	}
	sum := sha256.New()
	a, err := writeZip(io.MultiWriter(file, sum), files)
	if err = errors.Join(err, file.Close()); err != nil {
		return upload{}, err
	}
	info, err := out.Stat(name)
	if err != nil {
		return upload{}, err
	}
	return upload{archive: a, size: info.Size(), sha256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// report prints a line for each upload.
func report(w io.Writer, uploads []upload) error {
	for _, u := range uploads {
		_, err := fmt.Fprintf(w, "%s  %s  %.1f MB, %d files of %.1f MB\n",
			u.sha256, u.path, float64(u.size)/1e6, u.files, float64(u.bytes)/1e6)
		if err != nil {
			return err
		}
	}
	return nil
}
