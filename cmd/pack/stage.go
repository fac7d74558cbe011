package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// stage lays out in tmp, which is empty, what is uploaded of a function, and returns the folder
// with it: the files that the function's build reads, go.mod and go.sum, and
// everything else that is linked in vendor, because Google's build sees one
// folder without ../../shared.
//
// go.mod stays as it is. Its replacement by ../../shared is recorded in
// vendor/modules.txt too, and with -mod=vendor, which is the default where
// there is a vendor folder, nothing looks there.
func stage(ctx context.Context, f function, tmp string) (string, error) {
	dir := filepath.Join(tmp, "functions", f.name)
	files, err := sources(ctx, f)
	if err != nil {
		return "", err
	}
	if err := copyFiles(f.dir, dir, append(files, "go.mod", "go.sum")); err != nil {
		return "", fmt.Errorf("%s: %w", f.name, err)
	}
	// A link, for go mod vendor to find what go.mod means by ../../shared.
	if err := os.Symlink(filepath.Join(f.dir, "..", "..", "shared"), filepath.Join(tmp, "shared")); err != nil {
		return "", err
	}
	if _, err := goTool(ctx, dir, []string{"GOWORK=off"}, "mod", "vendor"); err != nil {
		return "", fmt.Errorf("%s: %w", f.name, err)
	}
	return dir, nil
}

// sources lists the files of the function's module that its build reads,
// relative to its folder. To list them, rather than to leave out what is known
// not to belong, keeps out whatever else lies there: tests and their data,
// go.work, a key that was put down for a moment.
func sources(ctx context.Context, f function) ([]string, error) {
	env := []string{"GOWORK=off", "GOOS=linux", "GOARCH=amd64"} // where it is deployed
	out, err := goTool(ctx, f.dir, env, "list", "-mod=readonly", "-deps", "-json=Dir,Module,GoFiles,EmbedFiles", ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	var files []string
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir                 string
			Module              *struct{ Main bool }
			GoFiles, EmbedFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: read go list: %w", f.name, err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		below, err := filepath.Rel(f.dir, p.Dir)
		if err != nil {
			return nil, err
		}
		for _, name := range append(p.GoFiles, p.EmbedFiles...) {
			files = append(files, filepath.Join(below, name))
		}
	}
}

// copyFiles copies files of one folder to another, which it makes. A link that
// leads out of the folder is not followed, but an error.
func copyFiles(from, to string, names []string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	source, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // it was only read
	target, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }() // WriteFile closes the files
	for _, name := range names {
		data, err := source.ReadFile(name)
		if err != nil {
			return err
		}
		if err := target.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := target.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
