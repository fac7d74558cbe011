package secretmanager

import (
	"strings"
	"testing"
)

// FuzzFilter checks that a filter is either refused or can be used, and means
// the same when it stands in parentheses or is denied twice.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"", "state:ENABLED", "state:(ENABLED OR DISABLED)", "NOT state:DESTROYED", "state!=DESTROYED", `name:"a b"`, "state:*",
		"(state:ENABLED OR state:DISABLED) AND name:x", "((", "state:(", `"`, "NOT NOT state=x",
	} {
		f.Add(s)
	}
	lookup := func(name string) (string, bool) { return "ENABLED", name == "state" }
	f.Fuzz(func(t *testing.T, text string) {
		matches, err := parseFilter(text, versionField)
		if err != nil || strings.TrimSpace(text) == "" {
			return
		}
		for _, same := range []string{"(" + text + ")", "NOT NOT (" + text + ")"} {
			again, err := parseFilter(same, versionField)
			if err != nil {
				t.Fatalf("%q is taken, and %q is not: %v", text, same, err)
			}
			if again(lookup) != matches(lookup) {
				t.Errorf("%q does not match what %q does", same, text)
			}
		}
	})
}

// FuzzName checks that a name is refused or read as what it says.
func FuzzName(f *testing.F) {
	for _, s := range []string{
		"projects/1/secrets/a/versions/1", "projects/citasync/secrets/a/versions/latest", "projects/p/locations/l/secrets/a/versions/1",
		"projects/1/secrets/a/versions/1/versions/2", "projects/1/secrets/../secrets/a/versions/1", "/secrets//versions/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		secret, version, err := parseVersion(name, true)
		if err != nil {
			return
		}
		again, err := parseSecret(secret)
		if err != nil || again != secret {
			t.Errorf("%q is of %q, which is read as %q, error %v", name, secret, again, err)
		}
		if parts := strings.Split(name, "/"); len(parts) != 6 || parts[5] != version || !strings.HasSuffix(secret, "/"+parts[3]) {
			t.Errorf("%q is read as version %q of %q", name, version, secret)
		}
	})
}
