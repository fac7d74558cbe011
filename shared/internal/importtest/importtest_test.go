package importtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "github.com/citasync/citasync/"

// layers lists, bottom up, every package of shared with the packages of ours
// that it may import. What is not named may not be imported; a package that is
// not listed fails the test until it is given its place.
var layers = []struct {
	pkg string
	may string
}{
	{"booking", ""},
	{"integration", "booking"},
	{"fault", "booking"},
	{"logging", ""},
	{"config", "booking"},
	{"internal/boltfile", ""},
	{"secret", "booking"},
	{"secret/file", "booking fault secret"},
	{"secret/secretmanager", "booking fault secret"},
	{"secret/secrettest", "booking fault secret"},
	{"bus", ""},
	{"bus/gcppubsub", "bus fault"},
	{"bus/boltqueue", "bus fault internal/boltfile logging"},
	{"store", "booking fault integration"},
	{"store/bolt", "booking integration fault internal/boltfile store"},
	{"store/firestore", "booking integration fault store"},
	{"store/storetest", "booking integration fault store"},
	{"converge", "booking integration fault logging store"},
	{"phone", ""},
	{"retry", ""},
	{"gcal", "booking integration fault retry"},
	{"whatsapp", "booking config fault integration retry"},
	{"session", "booking fault"},
	{"googleauth", "booking integration fault logging secret store"},
	{"intake", "booking bus fault logging"},
	{"notify", "booking bus config fault integration logging"},
	{"bus/bustest", "bus fault"},
	{"bus/gcppubsub/provision", "bus fault"},
	{"gcf", "config fault logging"},
	{"wire", "bus config converge gcal googleauth integration notify secret session store whatsapp"},
	{"wire/cloud", "gcf secret/secretmanager store/firestore wire"},
	{"emulator", ""},
	{"emulator/emulatortest", "emulator"},
	{"sandbox", ""},
	{"sandbox/secretmanager", ""},
	{"internal/importtest", ""},
}

// outside lists who alone may import what of others; everything else outside
// the standard library is free to any package. A trailing slash means all
// below it. cmd/bench/plain is what ours is measured beside: nothing of ours is
// in it.
var outside = []struct {
	path string
	by   string
}{
	{"cloud.google.com/go/firestore", "store/firestore cmd/bench/plain"},
	{"cloud.google.com/go/secretmanager", "secret/secretmanager sandbox/secretmanager"},
	{"cloud.google.com/go/pubsub", "bus/gcppubsub bus/gcppubsub/provision"},
	{"cloud.google.com/", "store/firestore secret/secretmanager bus/gcppubsub bus/gcppubsub/provision sandbox/secretmanager cmd/bench/plain"},
	{"go.etcd.io/bbolt", "internal/boltfile store/bolt bus/boltqueue"},
	{"github.com/GoogleCloudPlatform/functions-framework-go/functions", "functions/"},
	{"github.com/GoogleCloudPlatform/functions-framework-go", "gcf cmd/bench/plain"},
	{"google.golang.org/api/calendar", "gcal cmd/bench/plain"},
	{"github.com/tink-crypto/", "googleauth"},
	{"github.com/golang-jwt/", "session sandbox"},
	{"github.com/nyaruka/phonenumbers", "phone"}, // whose tables take long to load: nothing imports it that handles bookings
	{"github.com/go-playground/locales", "whatsapp"},
	{"github.com/chromedp/", "cmd/acceptance/"},
	{"testing", "store/storetest secret/secrettest emulator/emulatortest bus/bustest cmd/acceptance/internal/"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, root), "shared/")
		may := allowed(t, p.ImportPath)
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, root); ok && !permits(may, ours) {
				t.Errorf("%s imports %s; it may import: %s", p.ImportPath, imp, strings.Join(may, " "))
			}
			if by := only(imp); by != nil && !slices.ContainsFunc(by, covers(name)) {
				t.Errorf("%s imports %s, which only %s may", p.ImportPath, imp, strings.Join(by, ", "))
			}
		}
		if name == "booking" {
			standardOnly(t, p)
		}
	}
}

// TestNoIdlePermission sees to it that the layers permit nothing that is not
// used, so that they show what is, and not what was once.
func TestNoIdlePermission(t *testing.T) {
	imports := map[string][]string{}
	for _, p := range list(t) {
		imports[p.ImportPath] = p.Imports
	}
	for _, l := range layers {
		for f := range strings.FieldsSeq(l.may) {
			if !slices.Contains(imports[root+"shared/"+l.pkg], root+"shared/"+f) {
				t.Errorf("%s need not be permitted to import %s", l.pkg, f)
			}
		}
	}
}

// TestNoStrangers sees to it that the lists above name what exists, so that
// a renamed package does not leave a rule that forbids nothing.
func TestNoStrangers(t *testing.T) {
	var have []string
	for _, p := range list(t) {
		have = append(have, p.ImportPath)
	}
	for _, l := range layers {
		if !slices.Contains(have, root+"shared/"+l.pkg) {
			t.Errorf("layers names %s, which does not exist", l.pkg)
		}
	}
}

// allowed lists the prefixes, below root, of what the package may import of
// ours. Functions may import shared only, never one another, so that each is
// an upload of its own; the command may import everything.
func allowed(t *testing.T, path string) []string {
	t.Helper()
	name := strings.TrimPrefix(path, root)
	switch {
	case strings.HasPrefix(name, "cmd/"):
		return []string{"shared/...", "functions/...", name + "/..."}
	case strings.HasPrefix(name, "functions/"):
		own := strings.Join(strings.Split(name, "/")[:2], "/")
		return []string{"shared/...", own + "/..."}
	}
	name = strings.TrimPrefix(name, "shared/")
	for _, l := range layers {
		if l.pkg == name {
			may := []string{"shared/" + name + "/..."}
			for f := range strings.FieldsSeq(l.may) {
				may = append(may, "shared/"+f)
			}
			return may
		}
	}
	t.Errorf("package %s has no place in the layers", path)
	return nil
}

func permits(may []string, imp string) bool {
	return slices.ContainsFunc(may, func(m string) bool {
		if below, ok := strings.CutSuffix(m, "..."); ok {
			return strings.HasPrefix(imp+"/", below)
		}
		return imp == m
	})
}

func only(imp string) []string {
	for _, o := range outside {
		if imp == o.path || strings.HasPrefix(imp, strings.TrimSuffix(o.path, "/")+"/") {
			return strings.Fields(o.by)
		}
	}
	return nil
}

// covers reports whether a name of the lists is the package's, or ends in a
// slash and is a folder above it.
func covers(name string) func(string) bool {
	return func(by string) bool { return by == name || strings.HasSuffix(by, "/") && strings.HasPrefix(name, by) }
}

func standardOnly(t *testing.T, p pkg) {
	t.Helper()
	for _, imp := range p.Imports {
		if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
			t.Errorf("%s imports %s; it may import the standard library only", p.ImportPath, imp)
		}
	}
}

// list returns every package of the workspace, without tests.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Standard", root+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			if len(pkgs) < len(layers) {
				t.Fatalf("go list found %d packages, fewer than there are layers: is go.work in use?", len(pkgs))
			}
			return pkgs
		case err != nil:
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}
