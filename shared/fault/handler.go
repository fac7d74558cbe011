package fault

import (
	"log/slog"
	"net/http"
)

// Handler adapts a handler that returns an error: the error is logged here,
// once, and answered as a problem document. A handler that has answered
// already returns nil.
func Handler(log *slog.Logger, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		Answer(log, w, r, err)
	})
}

// Answer logs the error of a request and answers with it.
func Answer(log *slog.Logger, w http.ResponseWriter, r *http.Request, err error) {
	Log(log, r, err)
	WriteProblem(w, err)
}

// Log logs the error of a request: what is ours to mend as an error, the rest,
// which the caller is told, for information.
func Log(log *slog.Logger, r *http.Request, err error) {
	level := slog.LevelInfo
	if _, ok := words(err); !ok {
		level = slog.LevelError
	}
	log.Log(r.Context(), level, "request failed",
		"method", r.Method, "path", r.Pattern, "status", Status(err), "error", err.Error())
}

// Health answers GET /health. Cloud Run keeps paths that end in z for itself.
func Health(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("ok")) // the prober has gone
}
