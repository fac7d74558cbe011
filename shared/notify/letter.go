package notify

import (
	"bytes"
	"embed"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

//go:embed letter.txt letter.html
var templateFS embed.FS

// maxName is how many characters of a company's name are written.
const maxName = 100

// letter is a notice in words. The templates hold none of their own.
type letter struct {
	Lang       string
	Subject    string
	Greeting   string
	Title      string
	Paragraphs []string // before the link
	Action     string   // the link's words
	URL        string   // empty: there is no link, and Paragraphs say the way
	After      []string // paragraphs after the link
	Foot       string

	id         string
	date       time.Time
	text, html string
}

// stationery is what letters are written with. It may be used by several
// goroutines.
type stationery struct {
	words *catalogue
	text  *texttemplate.Template
	html  *htmltemplate.Template
}

func newStationery() (*stationery, error) {
	words, err := loadCatalogue()
	if err != nil {
		return nil, err
	}
	text, err := texttemplate.ParseFS(templateFS, "letter.txt")
	if err != nil {
		return nil, err
	}
	html, err := htmltemplate.ParseFS(templateFS, "letter.html")
	if err != nil {
		return nil, err
	}
	return &stationery{words: words, text: text, html: html}, nil
}

// worded reports whether there are words for the notice: so far, what can
// happen to an integration that needs the company's own account.
func worded(n Notice) bool { return n.Integration == integration.GoogleCalendar }

// write puts the notice into words, in the company's language and time zone.
func (p *stationery) write(n Notice, url string, now time.Time) (*letter, error) {
	w := &writer{speaker: p.words.speaker(n.Company.Locale), notice: n, url: url}
	w.since = w.moment(now)
	l := w.letter()
	l.date = now
	var text, html bytes.Buffer
	if err := p.text.Execute(&text, l); err != nil {
		return nil, err
	}
	if err := p.html.Execute(&html, l); err != nil {
		return nil, err
	}
	l.text, l.html = text.String(), html.String()
	return l, nil
}

// writer is at work on one letter.
type writer struct {
	*speaker
	notice Notice
	url    string
	since  string
}

// moment is when the incident began. Without a zone of the company's the
// hour says that it is UTC.
func (w *writer) moment(now time.Time) string {
	zone, err := booking.LoadZone(w.notice.Company.TimeZone)
	if err != nil {
		return w.when(w.notice.Since.UTC(), now, "clock.utc")
	}
	return w.when(w.notice.Since.In(zone), now, "clock")
}

func (w *writer) letter() *letter {
	l := w.body()
	l.id, l.Lang = w.notice.id(), w.lang
	l.Greeting = w.known("greeting", ".name", oneLine(w.notice.Company.Name))
	if w.url != "" {
		l.URL, l.Action = w.url, w.say("action")
	}
	l.Foot = w.say("foot")
	return l
}

func (w *writer) body() *letter {
	switch w.notice.Kind {
	case CaughtUp:
		return w.caughtUp()
	case DeliveryFailed:
		return w.failed()
	case NeedsReauth:
	}
	return w.needsReauth()
}

// linked is the key, or its variant for letters with a link.
func (w *writer) linked(key string) string {
	if w.url == "" {
		return key
	}
	return key + ".link"
}

func (w *writer) needsReauth() *letter {
	k := keysOf(w.notice.Reason)
	l := &letter{Subject: w.say(k.family + ".subject"), Title: w.say(k.reason + ".title")}
	if w.notice.Reminder > 0 {
		l.Subject, l.Title = w.say(k.family+".subject.again"), w.say(k.family+".title.again")
		l.Paragraphs = append(l.Paragraphs, w.again())
		l.After = []string{w.say("stop")}
	}
	meanwhile := w.say("meanwhile")
	if n := w.notice.Bookings; n > 0 {
		meanwhile += " " + w.say("meanwhile.waiting", n)
	}
	l.Paragraphs = append(l.Paragraphs,
		w.known(k.reason+".what", ".account", w.account(), w.since),
		meanwhile,
		w.say(w.linked("way"))+" "+w.say(k.do),
	)
	return l
}

func (w *writer) again() string {
	if w.notice.last() {
		return w.say("again.last")
	}
	return w.say("again")
}

// reasonKeys are the words' keys for why a connection needs the company.
type reasonKeys struct{ reason, family, do string }

func keysOf(r integration.Reason) reasonKeys {
	switch r {
	case integration.Revoked:
		return reasonKeys{"revoked", "reconnect", "reconnect.do"}
	case integration.ScopeMissing:
		return reasonKeys{"scope_missing", "reconnect", "scope_missing.do"}
	case integration.CalendarMissing:
		return reasonKeys{"calendar_missing", "calendar_missing", "calendar_missing.do"}
	default:
		return reasonKeys{"other", "reconnect", "reconnect.do"}
	}
}

func (w *writer) caughtUp() *letter {
	l := &letter{Title: w.say("caught_up.title")}
	what := w.known("caught_up.what", ".account", w.account())
	if n := w.notice.Bookings; n > 0 {
		l.Subject, what = w.say("caught_up.subject", n), what+" "+w.say("caught_up.added", n)
	} else {
		l.Subject, what = w.say("caught_up.subject.none"), what+" "+w.say("caught_up.added.none")
	}
	l.Paragraphs = []string{what, w.say("caught_up.since", w.since), w.say(w.linked("caught_up.see"))}
	return l
}

func (w *writer) failed() *letter {
	l := &letter{Title: w.say("failed.title")}
	what := w.say("failed.what.unknown", w.since)
	l.Subject = w.say("failed.subject.unknown")
	if n := w.notice.Bookings; n > 0 {
		l.Subject, what = w.say("failed.subject", n), w.say("failed.what", n, w.since)
	}
	l.Paragraphs = []string{what, w.say("failed.meanwhile"), w.say(w.linked("failed.see"))}
	return l
}

func (w *writer) account() string { return oneLine(w.notice.Account) }

// oneLine makes a name fit for a sentence: what would break the line, or turn
// the direction of what follows it, becomes a space.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxName {
		s = string(runes[:maxName-1]) + "…"
	}
	return s
}
