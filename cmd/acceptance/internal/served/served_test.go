package served

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

var citasync Command

func TestMain(m *testing.M) { os.Exit(citasync.Main(m)) }

// TestServe starts an installation, lets a company in and an event, and starts
// it again where it was.
func TestServe(t *testing.T) {
	s := citasync.Serve(t)
	if !strings.HasPrefix(s.URL, "http://localhost:") || !strings.HasPrefix(s.Demo, "http://127.0.0.1:") {
		t.Fatalf("it serves at %q, with a sandbox at %q", s.URL, s.Demo)
	}
	status := func(address string) int {
		t.Helper()
		res, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := status(s.Link("2", "--name", "Luna")); got != http.StatusUnauthorized { // this client keeps no cookie
		t.Errorf("a link without cookies: %d", got)
	}
	s.Send(`{"type":"booking.confirmed","timestamp":"2026-01-01T10:00:00Z","data":{"company_id":"2","booking":{"id":"1",
		"service":"Corte","start":"2030-01-02T10:00:00-05:00","end":"2030-01-02T11:00:00-05:00","time_zone":"America/Bogota"}}}`)
	at := s.URL
	s.Stop()
	s.Start()
	if s.URL != at {
		t.Errorf("it was at %s and is at %s", at, s.URL)
	}
	if got := status(s.URL + "/settings"); got != http.StatusUnauthorized {
		t.Errorf("the panel to a stranger: %d", got)
	}
	if !strings.Contains(s.Log.String(), `"serving"`) {
		t.Errorf("the log:\n%s", s.Log)
	}
}
