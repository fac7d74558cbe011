package firestore

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/store"
)

// TestRules puts terraform/firestore.rules into force: who comes as nobody, as
// a browser or an app does, reads and writes nothing; the store does as before.
func TestRules(t *testing.T) {
	addr := address(t)
	s := open(t, addr)
	denyAll, err := os.ReadFile("../../../terraform/firestore.rules")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CommitBooking(t.Context(), fullBooking()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rules string
		want  int
	}{
		{string(denyAll), http.StatusForbidden},
		{strings.ReplaceAll(string(denyAll), "if false", "if true"), http.StatusOK}, // so that a refusal means something
	} {
		emulator := "http://" + addr + "/emulator/v1/" + strings.TrimSuffix(s.database, "/databases/(default)")
		force := map[string]any{"rules": map[string]any{"files": []any{map[string]any{"name": "firestore.rules", "content": tt.rules}}}}
		if got := answer(t, http.MethodPut, emulator+":securityRules", force); got != http.StatusOK {
			t.Fatalf("the emulator answers %d to the rules", got)
		}
		for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
			if got := answer(t, method, "http://"+addr+"/v1/"+s.bookingName("2", "981"), map[string]any{}); got != tt.want {
				t.Errorf("%s is answered %d, want %d", method, got, tt.want)
			}
		}
		if err := s.AddActivity(t.Context(), "2", store.Activity{At: now, Kind: store.ActConnected}); err != nil {
			t.Errorf("the store is refused: %v", err)
		}
	}
}

// answer sends a request as nobody and returns the status.
func answer(t *testing.T, method, url string, body any) int {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodGet {
		data = nil
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
