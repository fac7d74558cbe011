package local

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/citasync/citasync/shared/sandbox"
)

// TestNoSuchCall: whoever calls the API by a path that there is not gets a
// problem document, also by the path that all others begin with.
func TestNoSuchCall(t *testing.T) {
	w := newWorld(t, 1, sandbox.Options{})
	for _, path := range []string{"/v1", "/v1/", "/v1/nowhere"} {
		rec := httptest.NewRecorder()
		w.first().Public.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if got := rec.Header().Get("Content-Type"); rec.Code != http.StatusNotFound || got != "application/problem+json" {
			t.Errorf("%s: %d, %s", path, rec.Code, got)
		}
	}
}
