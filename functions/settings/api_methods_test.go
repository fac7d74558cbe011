package settings

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A path that is there says by which methods, in a problem document.
func TestAPIMethods(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ method, path, allow string }{
		{"GET", "/v1/integrations/google-calendar/enable", "POST, OPTIONS"},
		{"GET", "/v1/integrations/google-calendar/disable", "POST, OPTIONS"},
		{"GET", "/v1/integrations/google-calendar/test", "POST, OPTIONS"},
		{"GET", "/v1/integrations/google-calendar/options", "POST, OPTIONS"},
		{"POST", "/v1/integrations/google-calendar/calendars", "GET, HEAD, OPTIONS"},
		{"DELETE", "/v1/integrations", "GET, HEAD, OPTIONS"},
		{"POST", "/v1/bookings", "GET, HEAD, OPTIONS"},
		{"PUT", "/v1/bookings/1", "GET, HEAD, OPTIONS"},
		{"POST", "/v1/activity", "GET, HEAD, OPTIONS"},
	} {
		res := s.call(salon, tc.method, tc.path, "")
		if got := res.Header.Get("Allow"); got != tc.allow {
			t.Errorf("%s %s: Allow %q, want %q", tc.method, tc.path, got, tc.allow)
		}
		checkProblem(t, res, http.StatusMethodNotAllowed, strings.TrimSuffix(tc.allow, ", OPTIONS"))
	}
}

// Which methods a path has is told to anybody, and a look at a list's head
// costs no body.
func TestAPIOptionsAndHead(t *testing.T) {
	s := newSite(t)
	res := s.do(httptest.NewRequest(http.MethodOptions, "/v1/bookings", nil))
	if got := res.Header.Get("Allow"); res.StatusCode != http.StatusNoContent || got != "GET, HEAD, OPTIONS" || body(t, res) != "" {
		t.Errorf("OPTIONS: %d, Allow %q", res.StatusCode, got)
	}
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("pages of %q may call", got)
	}
	checkProblem(t, s.do(httptest.NewRequest(http.MethodOptions, "/v1/nowhere", nil)), http.StatusNotFound, "")
	if res := s.call(salon, http.MethodHead, "/v1/bookings", ""); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d, %v", res.StatusCode, res.Header)
	}
}
