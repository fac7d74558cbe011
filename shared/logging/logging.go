// Package logging writes one JSON line per event with the keys that Cloud
// Logging understands, and keeps secrets and personal data out of them.
//
// Attributes that belong to everything done under a context, such as company,
// booking and trace, are added to the context once, with [With]; every line
// logged with that context carries them.
package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
)

type contextKey struct{}

// With returns a context whose log lines carry the attributes as well. One that
// the context has already is replaced.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	all := slices.Clone(attrs)
	for _, old := range attrsOf(ctx) {
		if !hasKey(attrs, old.Key) {
			all = append(all, old)
		}
	}
	return context.WithValue(ctx, contextKey{}, all)
}

func attrsOf(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(contextKey{}).([]slog.Attr)
	return attrs
}

func hasKey(attrs []slog.Attr, key string) bool {
	return slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == key })
}

// New returns a logger that writes JSON lines to w. The project, if there is
// one, makes a trace id into the name by which Cloud Logging finds the trace.
func New(w io.Writer, project string, level slog.Leveler) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: replace})
	return slog.New(&handler{Handler: h, project: project})
}

type handler struct {
	slog.Handler
	project string
}

// Handle adds the context's attributes to the record, but for those that it has
// itself: a key stands once in a line.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	own := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		own = append(own, a)
		return true
	})
	r = r.Clone()
	for _, a := range attrsOf(ctx) {
		if !hasKey(own, a.Key) {
			r.AddAttrs(a)
		}
	}
	if t := TraceOf(ctx); t.ID != "" {
		r.AddAttrs(slog.String("trace", t.ID))
		if h.project != "" {
			name := "projects/" + h.project + "/traces/" + t.ID
			r.AddAttrs(slog.String("logging.googleapis.com/trace", name)) //nolint:sloglint // Cloud Logging's own key
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the handler around the new one.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{Handler: h.Handler.WithAttrs(attrs), project: h.project}
}

// WithGroup keeps the handler around the new one.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{Handler: h.Handler.WithGroup(name), project: h.project}
}

// replace renames slog's own keys to Cloud Logging's ("LogEntry" and
// "Structured logging" in its documentation) and blanks what must not be read.
func replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.MessageKey:
			a.Key = "message"
		case slog.LevelKey:
			if level, ok := a.Value.Any().(slog.Level); ok {
				return slog.String("severity", severity(level))
			}
		}
	}
	if secretKey(a.Key) || slices.ContainsFunc(groups, secretKey) {
		return slog.String(a.Key, "[redacted]")
	}
	return a
}

func severity(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

// secretKey is the second line of defence: the first is not to log these.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	for _, s := range []string{"token", "secret", "password", "authorization", "cookie", "phone", "email", "customer", "verifier"} {
		if strings.Contains(key, s) {
			return true
		}
	}
	return false
}
