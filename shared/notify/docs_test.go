package notify

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

var example = regexp.MustCompile("(?s)```json\n(.*?)```")

// TestDocumented: the examples of docs/notices.md are what is sent, field for
// field, one of each kind, and the ids are those that they would have.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/notices.md")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, m := range example.FindAllSubmatch(page, -1) {
		var e event
		d := json.NewDecoder(bytes.NewReader(m[1]))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		again, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(again), strings.TrimSpace(string(m[1]))); diff != "" {
			t.Errorf("-sent +documented:\n%s", diff)
		}
		n := Notice{
			Kind: e.Type, Company: integration.Company{ID: booking.CompanyID(e.Data.CompanyID)},
			Integration: integration.ID(e.Data.Integration), Since: e.Data.Since, Reminder: e.Data.Reminder,
		}
		if n.id() != e.Data.ID {
			t.Errorf("%s has the id %s, documented is %s", n.Kind, n.id(), e.Data.ID)
		}
		kinds = append(kinds, e.Type)
	}
	if want := []Kind{NeedsReauth, CaughtUp, DeliveryFailed}; !slices.Equal(kinds, want) {
		t.Errorf("examples of %v, want of %v", kinds, want)
	}
}
