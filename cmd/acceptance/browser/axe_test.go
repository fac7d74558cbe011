package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/runtime"

	"github.com/citasync/citasync/shared/emulator/emulatortest"
)

// examiner is axe-core, of the version that package-lock.json has.
type examiner struct {
	once   sync.Once
	source string
	err    error
}

var (
	axe examiner

	errNoNPM = errors.New("npm, which installs axe-core, is not installed")
)

// need returns the source, or ends the test.
func (e *examiner) need(t testing.TB) string {
	t.Helper()
	e.once.Do(func() { e.source, e.err = loadAxe("..") })
	if errors.Is(e.err, errNoNPM) {
		emulatortest.Lacking(t, e.err.Error())
	}
	if e.err != nil {
		t.Fatal(e.err)
	}
	return e.source
}

// loadAxe reads axe-core from the folder's node_modules, and installs it there
// first unless it is there in the version that is asked for.
func loadAxe(dir string) (string, error) {
	want, err := versionIn(filepath.Join(dir, "package-lock.json"), func(p npmPackage) string {
		return p.Packages["node_modules/axe-core"].Version
	})
	if err != nil {
		return "", err
	}
	at := filepath.Join(dir, "node_modules", "axe-core")
	have, err := versionIn(filepath.Join(at, "package.json"), func(p npmPackage) string { return p.Version })
	if err != nil || have != want {
		if err := install(dir); err != nil {
			return "", err
		}
	}
	source, err := os.ReadFile(filepath.Join(at, "axe.min.js"))
	return string(source), err
}

// npmPackage is of npm's files what is read here.
type npmPackage struct {
	Version  string
	Packages map[string]struct{ Version string }
}

func versionIn(name string, of func(npmPackage) string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	var p npmPackage
	if err := json.Unmarshal(data, &p); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return of(p), nil
}

func install(dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errNoNPM
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

// violation is what axe-core finds wrong.
type violation struct {
	ID    string
	Help  string
	Nodes []struct{ HTML string }
}

func (v violation) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %s", v.ID, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&s, "\n    %s", n.HTML)
	}
	return s.String()
}

// examination runs axe-core by the success criteria of WCAG 2.2 at the levels A
// and AA, and by its best practices.
const examination = `axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  resultTypes: ["violations"],
  preload: false, // for rules that are not asked for
}).then((r) => ({ passes: r.passes.length, violations: r.violations.map((v) => ({
  id: v.id, help: v.help, nodes: v.nodes.map((n) => ({ html: n.html })),
})) }))`

// examine demands that axe-core finds nothing wrong with the page as it is. The
// name says what page that is.
func (t *tab) examine(name string) {
	t.Helper()
	for _, v := range t.violations(name) {
		t.Errorf("%s: %s", name, v)
	}
}

func (t *tab) violations(name string) []violation {
	t.Helper()
	source := axe.need(t)
	if !eval[bool](t, "'axe' in globalThis") {
		if r := call(t, runtime.Evaluate, runtime.EvaluateParams{Expression: source}); r.ExceptionDetails != nil {
			t.Fatalf("axe-core: %s", r.ExceptionDetails.Text)
		}
	}
	found := eval[struct {
		Passes     int
		Violations []violation
	}](t, examination)
	if found.Passes < 5 {
		t.Errorf("%s: axe-core found %d rules kept only", name, found.Passes)
	}
	return found.Violations
}
