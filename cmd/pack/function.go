package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// modules is how the paths of the functions' modules begin.
const modules = "github.com/citasync/citasync/functions/"

// function is a folder below functions that is a module.
type function struct {
	name string // the folder's, and what FUNCTION_TARGET is when it is deployed
	dir  string // absolute
}

// importPath is the path of the module and of the package at its root.
func (f function) importPath() string { return modules + f.name }

// functions lists the functions of the repository at root by name.
func functions(root string) ([]function, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	mods, err := fs.Glob(os.DirFS(root), "functions/*/go.mod")
	if err != nil {
		return nil, err
	}
	if len(mods) == 0 {
		return nil, fmt.Errorf("no functions in %s: run pack at the root of the repository", root)
	}
	var fns []function
	for _, mod := range mods {
		dir := path.Dir(mod)
		fns = append(fns, function{name: path.Base(dir), dir: filepath.Join(root, dir)})
	}
	return fns, nil
}
