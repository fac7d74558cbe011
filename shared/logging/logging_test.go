package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// line logs once and returns what was written, less the time.
func line(t *testing.T, project string, log func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(New(&out, project, slog.LevelDebug))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", &out, err)
	}
	if got["time"] == nil {
		t.Errorf("%s has no time", &out)
	}
	delete(got, "time")
	return got
}

func TestKeys(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG", slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR", slog.LevelError + 4: "ERROR",
	} {
		got := line(t, "", func(l *slog.Logger) { l.Log(t.Context(), level, "event created", "revision", 3) })
		if diff := cmp.Diff(map[string]any{"severity": want, "message": "event created", "revision": 3.0}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", level, diff)
		}
	}
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	New(&out, "", slog.LevelWarn).Info("too little to tell")
	if out.Len() > 0 {
		t.Errorf("got %s", &out)
	}
}

func TestWith(t *testing.T) {
	company := With(t.Context(), slog.String("company", "2"))
	one := With(company, slog.String("booking", "981"))
	_ = With(company, slog.String("booking", "982")) // of one context, another must not change
	got := line(t, "", func(l *slog.Logger) { l.With("integration", "whatsapp").InfoContext(one, "sent", "revision", 1) })
	want := map[string]any{
		"severity": "INFO", "message": "sent", "integration": "whatsapp", "company": "2", "booking": "981", "revision": 1.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTraceOfContext(t *testing.T) {
	ctx := WithTrace(t.Context(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	log := func(l *slog.Logger) { l.InfoContext(ctx, "m") }
	want := map[string]any{"severity": "INFO", "message": "m", "trace": "0af7651916cd43dd8448eb211c80319c"}
	if diff := cmp.Diff(want, line(t, "", log)); diff != "" {
		t.Errorf("without a project (-want +got):\n%s", diff)
	}
	want["logging.googleapis.com/trace"] = "projects/salon/traces/0af7651916cd43dd8448eb211c80319c"
	if diff := cmp.Diff(want, line(t, "salon", log)); diff != "" {
		t.Errorf("with a project (-want +got):\n%s", diff)
	}
}

func TestGroups(t *testing.T) {
	got := line(t, "", func(l *slog.Logger) {
		l.WithGroup("google").InfoContext(With(context.Background(), slog.String("company", "2")), "m", "status", 429, "msg", "x", "level", "y")
	})
	want := map[string]any{
		"severity": "INFO", "message": "m",
		"google": map[string]any{"status": 429.0, "msg": "x", "level": "y", "company": "2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLevelOfAnAttribute(t *testing.T) {
	got := line(t, "", func(l *slog.Logger) { l.Info("m", "level", "high") })
	if diff := cmp.Diff(map[string]any{"severity": "INFO", "message": "m", "level": "high"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRedaction(t *testing.T) {
	for _, key := range []string{
		"token", "access_token", "AccessToken", "client_secret", "password", "Authorization", "set-cookie", "phone", "customer_phone", "email",
		"customer", "code_verifier",
	} {
		for name, log := range map[string]func(*slog.Logger){
			"attribute": func(l *slog.Logger) { l.Info("m", key, "hidden") },
			"number":    func(l *slog.Logger) { l.Info("m", key, 12345) },
			"in group":  func(l *slog.Logger) { l.Info("m", slog.Group("g", key, "hidden")) },
			"of group": func(l *slog.Logger) {
				l.Info("m", slog.Group(key, "a", slog.GroupValue(slog.String("name", "hidden"))))
			},
			"on logger": func(l *slog.Logger) { l.With(key, "hidden").Info("m") },
			"in context": func(l *slog.Logger) {
				l.InfoContext(With(context.Background(), slog.String(key, "hidden")), "m")
			},
		} {
			var out bytes.Buffer
			log(New(&out, "", slog.LevelInfo))
			if bytes.Contains(out.Bytes(), []byte("hidden")) || bytes.Contains(out.Bytes(), []byte("12345")) || !bytes.Contains(out.Bytes(), []byte("[redacted]")) {
				t.Errorf("%s, %s: %s", key, name, &out)
			}
		}
	}
	got := line(t, "", func(l *slog.Logger) {
		l.Info("m", "company", "2", "booking", "981", "reason", "revoked", "error", "x", "kind", "k")
	})
	for key, value := range got {
		if value == "[redacted]" {
			t.Errorf("%s is blanked", key)
		}
	}
}

// TestKeysStandOnce: what a line, or a later With, says itself is not said again
// by the context.
func TestKeysStandOnce(t *testing.T) {
	var b bytes.Buffer
	ctx := With(With(t.Context(), slog.String("company", "1"), slog.String("booking", "9")), slog.String("company", "2"))
	New(&b, "", nil).LogAttrs(ctx, slog.LevelInfo, "m", slog.String("booking", "8"))
	if line := b.String(); strings.Count(line, `"company":"2"`) != 1 || strings.Contains(line, `"company":"1"`) ||
		strings.Count(line, `"booking"`) != 1 || !strings.Contains(line, `"booking":"8"`) {
		t.Errorf("logged %s", line)
	}
}
