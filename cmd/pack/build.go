package main

import (
	"context"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
)

// build makes the command citasync and a binary per function in out, relative
// to root, with one call of the go command: it builds on all processors, and
// again only what changed.
//
// The functions' mains exist only in an overlay, so that nothing is generated
// into the tree.
func build(ctx context.Context, root, out string) error {
	fns, err := functions(root)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "citasync-build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // it is the system's to clean
	overlay, err := writeOverlay(tmp, fns)
	if err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-overlay", overlay, "-o", out + "/", "./cmd/citasync"}
	for _, f := range fns {
		args = append(args, "./functions/"+path.Join(f.name, mainDir(f)))
	}
	_, err = goTool(ctx, root, nil, args...)
	return err
}

// mainDir is where below the function's folder its main is put. Google's build
// has functions.local/app; here it ends with the name that the binary gets.
func mainDir(f function) string { return path.Join("functions.local", f.name) }

// writeOverlay writes the functions' mains and, as go build -overlay reads it,
// where they are to be seen. It returns the latter's path.
func writeOverlay(tmp string, fns []function) (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, f := range fns {
		written := filepath.Join(tmp, f.name+".go")
		if err := os.WriteFile(written, mainFile(f), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(f.dir, mainDir(f), "main.go")] = written
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	name := filepath.Join(tmp, "overlay.json")
	return name, os.WriteFile(name, data, 0o600)
}
