package settings

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFS embed.FS

// assets are the files that pages are made of, by the name under which they
// are served. The name has a hash of the content in it, so a browser may keep
// a file for good.
type assets map[string]asset

type asset struct {
	source string // its name here
	data   []byte
}

func loadAssets() (assets, error) {
	entries, err := fs.ReadDir(staticFS, "static")
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	a := assets{}
	for _, e := range entries {
		data, err := staticFS.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("static files: %w", err)
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(e.Name())
		a[strings.TrimSuffix(e.Name(), ext)+"."+hex.EncodeToString(sum[:6])+ext] = asset{e.Name(), data}
	}
	return a, nil
}

// url is the path of the file that is called source here.
func (a assets) url(source string) string {
	for name, f := range a {
		if f.source == source {
			return "/settings/static/" + name
		}
	}
	return ""
}

// ServeHTTP serves the file that the path names.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(f.source)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}
