package php

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestMistakes: what an example is not told, or can't read, it says in one line
// and without a stack.
func TestMistakes(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`"hello"`)) }))
	defer stranger.Close()
	const booking, back = `{"id":"1"}`, "http://localhost:3000/settings"
	for name, tt := range map[string]struct {
		url    string // CITASYNC_URL
		env    string
		stdin  string
		args   string
		status int
		want   string
	}{
		"send without arguments":          {"", "", "", "send.php", 2, "usage: php send.php "},
		"send without an address":         {"", "", booking, "send.php confirmed 2", 2, "CITASYNC_URL"},
		"send without a secret":           {nobody.URL, "CITASYNC_WEBHOOK_SECRET=", booking, "send.php confirmed 2", 2, "CITASYNC_WEBHOOK_SECRET"},
		"send with no secret of its kind": {nobody.URL, "CITASYNC_WEBHOOK_SECRET=x", booking, "send.php confirmed 2", 2, "whsec_"},
		"send what is not JSON":           {nobody.URL, "", `{"id":`, "send.php confirmed 2", 2, "not a booking"},
		"send a number":                   {nobody.URL, "", "7", "send.php confirmed 2", 2, "not a booking"},
		"send a list":                     {nobody.URL, "", "[" + booking + "]", "send.php confirmed 2", 2, "not a booking"},
		"link without arguments":          {nobody.URL, "", "", "link.php", 2, "usage: php link.php "},
		"link with a claim of no value":   {nobody.URL, "", "", "link.php 2 locale", 2, "CLAIM=VALUE"},
		"link without an address":         {"", "", "", "link.php 2", 2, "CITASYNC_URL"},
		"link without a secret":           {nobody.URL, "CITASYNC_SESSION_SECRET=", "", "link.php 2", 2, "CITASYNC_SESSION_SECRET"},
		"link with a short secret":        {nobody.URL, "CITASYNC_SESSION_SECRET=short", "", "link.php 2", 2, "32 bytes"},
		"link with a claim not UTF-8":     {nobody.URL, "", "", "link.php 2 name=\xff", 2, "UTF-8"},
		"connect without arguments":       {nobody.URL, "", "", "connect.php 2", 2, "usage: php connect.php "},
		"connect without an address":      {"", "", "", "connect.php 2 " + back, 2, "CITASYNC_URL"},
		"connect with a short secret":     {nobody.URL, "CITASYNC_SESSION_SECRET=short", "", "connect.php 2 " + back, 2, "32 bytes"},
		"connect to nobody":               {nobody.URL, "", "", "connect.php 2 " + back, 1, "no answer from " + nobody.URL},
		"connect to somebody else":        {stranger.URL, "", "", "connect.php 2 " + back, 1, "not Citasync's"},
	} {
		t.Run(name, func(t *testing.T) {
			p := examples(t)
			p.env = append(p.env, "CITASYNC_URL="+tt.url, tt.env)
			out, status := p.php(tt.stdin, strings.Fields(tt.args)...)
			if status != tt.status || strings.Count(out, "\n") != 1 || !strings.Contains(out, tt.want) {
				t.Errorf("exit status %d: %s", status, out)
			}
		})
	}
}

// TestUnconfiguredNotices: without its configuration the receiver takes
// nothing, says so in its log, and nobody else is told.
func TestUnconfiguredNotices(t *testing.T) {
	r := newReceiver(t, examples(t), "CITASYNC_PUSH_EMAIL=")
	if status := r.push("Bearer "+r.token(nil), []byte("{}")); status != http.StatusInternalServerError {
		t.Errorf("answered with %d", status)
	}
	r.told("notice not taken: The environment lacks CITASYNC_PUSH_EMAIL", 1)
	r.told("Stack trace", 0)
}
