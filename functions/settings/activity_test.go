package settings

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// The activity comes in pages of 25, newest first, and none is left out.
func TestActivityPages(t *testing.T) {
	s := newSite(t)
	var want []string
	for i := range 2*25 + 3 {
		account := fmt.Sprintf("a%d@gmail.example", i)
		s.must(s.store.AddActivity(t.Context(), salon, store.Activity{
			At: s.now.Add(time.Duration(i) * time.Minute), Kind: store.ActConnected, Integration: integration.GoogleCalendar,
			Actor: store.ActorCompany, Outcome: "ok", Detail: account,
		}))
		want = append([]string{account}, want...)
	}
	b := s.enter(s.claims(salon))
	var got []string
	var sizes []int
	for path := activityPath; path != ""; {
		page := body(t, b.get(path))
		on := regexp.MustCompile(`a\d+@gmail\.example`).FindAllString(page, -1)
		got, sizes, path = append(got, on...), append(sizes, len(on)), ""
		if m := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(page); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := gocmp.Diff([]int{25, 25, 3}, sizes); diff != "" {
		t.Errorf("pages -want +got\n%s", diff)
	}
}
