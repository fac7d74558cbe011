package notify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/citasync/citasync/shared/config"
)

func TestNewMailer(t *testing.T) {
	for _, tt := range []struct{ url, from, want string }{
		{"smtp://mail.example.com", sender, "mail.example.com:25"},
		{"smtp://u:p@mail.example.com", sender, "mail.example.com:587"},
		{"smtps://mail.example.com", sender, "mail.example.com:465"},
		{"smtps://u:p@mail.example.com:2465", sender, "mail.example.com:2465"},
		{"smtp://[::1]:25", "a@example.com", "::1:25"},
		{"smtp://mail.example.com", "Avisos <avisos@peluquería.example>", "mail.example.com:25"},
		{"smtp://u:hidden%zz@mail.example.com", sender, ""},
		{"https://mail.example.com", sender, ""},
		{"smtp://", sender, ""},
		{"", sender, ""},
		{"smtp://u:hidden@mail.example.com", "", ""},
		{"smtp://u:hidden@mail.example.com", "hidden", ""},
		{"smtp://u:hidden@mail.example.com", "íñigo.hidden@example.com", ""},
	} {
		m, err := NewMailer(config.NewSecret(tt.url), tt.from)
		if err != nil {
			if tt.want != "" || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%q, %q: error %v", tt.url, tt.from, err)
			}
			continue
		}
		if got := m.host + ":" + m.port; got != tt.want {
			t.Errorf("%q: %s, want %s", tt.url, got, tt.want)
		}
	}
}

// TestMailerIsSilent: not even when somebody prints it does a Mailer tell its
// password.
func TestMailerIsSilent(t *testing.T) {
	m, err := NewMailer(config.NewSecret("smtps://u:hidden@mail.example.com"), sender)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v", m, m, *m); strings.Contains(s, "hidden") {
		t.Errorf("it is %s", s)
	}
}
