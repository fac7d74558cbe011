package settings

import (
	"os"
	"strings"
	"testing"

	"github.com/citasync/citasync/functions/settings/words"
)

// TestActivityDocumented: docs/api.md lists every kind of activity that the panel
// has words for.
func TestActivityDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(page), "An activity's `kind`:")
	list, _, ended := strings.Cut(list, "\n\n")
	if !found || !ended {
		t.Fatal("there is no list of kinds")
	}
	catalogue, err := words.Load()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, key := range catalogue.Keys() {
		key, isAct := strings.CutPrefix(strings.TrimPrefix(strings.TrimPrefix(key, "google-calendar."), "whatsapp."), "act.")
		kind, _, _ := strings.Cut(key, ".")
		if isAct && kind != "other" {
			kinds[kind] = true
		}
	}
	for kind := range kinds {
		if !strings.Contains(list, "`"+kind+"`") {
			t.Errorf("%s is not among them", kind)
		}
	}
	if len(kinds) < 13 {
		t.Errorf("kinds %v", kinds)
	}
}
