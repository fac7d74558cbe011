package settings

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/functions/settings/words"
	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

var update = flag.Bool("update", false, "write the golden pages anew")

const (
	disablePath = "/settings/integrations/google-calendar/disable"
	enablePath  = "/settings/integrations/google-calendar/enable"
	optionsPath = "/settings/integrations/google-calendar/options"
	testPath    = "/settings/integrations/google-calendar/test"
	hour        = time.Hour
)

// pageCase is a page in one of its states.
type pageCase struct {
	name   string
	path   string // of a GET
	form   url.Values
	post   string // where the form is posted; empty: disablePath
	status int    // zero: 200
	given  func(*site)
}

func pageCases() []pageCase {
	return []pageCase{
		{name: "overview-disconnected", path: "/settings"},
		{name: "overview-connected", path: "/settings?result=connected", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "1", 24*hour, nil)
		}},
		{name: "overview-preview", path: "/settings", given: func(s *site) {
			for i := range 14 {
				s.book(salon, booking.ID(fmt.Sprint("new", i)), time.Duration(i+1)*24*hour, never)
			}
			s.book(salon, "past", -48*hour, never)
			s.book(salon, "reserved", 48*hour, func(b *store.Booking) { never(b); b.State = booking.Reserved })
			s.book(salon, "kept", 24*hour, deliver(func(d *integration.Delivery) { d.Status = integration.Skipped }))
		}},
		{name: "overview-passes", path: "/settings?result=calendar", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) {
				c.Data.CalendarID, c.Data.CalendarName, c.BackfillDue = "cal@group.example", "Agenda del salón", s.now
			})
		}},
		{name: "overview-refused", path: "/settings", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) { c.CheckedAt = s.now.Add(-4 * hour) })
			for i := range maxRefused + 2 {
				s.book(salon, booking.ID(fmt.Sprint("r", i)), time.Duration(i+1)*24*hour, refused)
			}
		}},
		{name: "overview-other-account", path: "/settings?result=other_account", given: func(s *site) {
			s.connect(salon, nil)
			s.offer("nueva@gmail.example", time.Minute)
		}},
		{name: "overview-other-account-dead", path: "/settings?result=other_account", given: func(s *site) {
			s.deadGrant()
			s.offer("nueva@gmail.example", offerLife+time.Minute) // too long ago to be told
		}},
		{name: "replace-invalid", post: enablePath, form: url.Values{"replace": {"yes"}, "account": {"nueva@gmail.example"}}, status: 422, given: func(s *site) {
			s.connect(salon, nil)
		}},
		{name: "overview-replacing", path: "/settings?result=replacing", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) {
				c.Enabled, c.Status, c.RemoveEvents = false, integration.Disconnecting, true
			})
			s.offer("nueva@gmail.example", time.Minute)
		}},
		{name: "overview-replaced", path: "/settings?result=replacing", given: func(s *site) { s.offer("nueva@gmail.example", time.Minute) }},
		{name: "overview-retrying", path: "/settings", given: func(s *site) {
			s.connect(salon, nil)
			for i := range 3 {
				s.book(salon, booking.ID(fmt.Sprint("q", i)), time.Duration(i+1)*24*hour, s.retrying)
			}
			s.book(salon, "new", 5*hour, deliver(func(d *integration.Delivery) { *d = integration.Delivery{Status: integration.Pending} }))
		}},
		{name: "overview-reauth", path: "/settings?result=scope_missing", given: (*site).deadGrant},
		{name: "overview-calendar-missing", path: "/settings", given: func(s *site) {
			s.lostCalendar()
			s.book(salon, "1", 24*hour, waits(integration.CalendarMissing))
			s.book(salon, "2", 48*hour, nil)
		}},
		{name: "overview-paused", path: "/settings", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "1", 24*hour, waits(integration.NoReason))
			s.pause()
		}},
		{name: "overview-paused-off", path: "/settings", given: (*site).pause},
		{name: "overview-removing", path: "/settings?result=removing", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) {
				c.Enabled, c.Status, c.RemoveEvents = false, integration.Disconnecting, true
			})
		}},
		{name: "overview-returning", path: "/settings?result=disconnected", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) { c.Enabled, c.Status = false, integration.Disconnecting })
		}},
		{name: "overview-denied", path: "/settings?result=denied", given: func(s *site) { s.connect(salon, nil) }},
		{name: "overview-left", path: "/settings?result=disconnected", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) {
				*c = integration.Connection{ID: c.ID, Status: integration.Disconnected, Reason: integration.Revoked}
			})
			for i := range 22 {
				s.book(salon, booking.ID(strconv.Itoa(i)), time.Duration(i+1)*24*hour, nil)
			}
			// It starts first and ends second.
			s.book(salon, "long", 23*hour, func(b *store.Booking) { b.Booking.End = b.Booking.Start.Add(3 * hour) })
		}},
		{name: "disable", form: url.Values{}, given: func(s *site) { s.connect(salon, nil) }},
		{name: "disable-dead", form: url.Values{}, given: (*site).deadGrant},
		{name: "disable-invalid", form: url.Values{"confirm": {"yes"}, "events": {"burn"}}, status: 422, given: func(s *site) { s.connect(salon, nil) }},
		{name: "history-empty", path: "/settings/history"},
		{name: "history", path: "/settings/history", given: (*site).everyDelivery},
		{name: "history-reauth", path: "/settings/history", given: func(s *site) {
			s.deadGrant()
			s.book(salon, "2", 26*hour, waits(integration.Revoked))
		}},
		{name: "history-calendar-missing", path: "/settings/history", given: func(s *site) {
			s.lostCalendar()
			s.book(salon, "2", 26*hour, waits(integration.CalendarMissing))
		}},
		{name: "history-paused", path: "/settings/history", given: func(s *site) {
			s.connect(salon, nil)
			s.pause()
			s.book(salon, "2", 26*hour, waits(integration.NoReason))
		}},
		{name: "history-off", path: "/settings/history", given: func(s *site) {
			s.book(salon, "kept", 24*hour, deliver(func(d *integration.Delivery) { d.Status = integration.Skipped }))
			s.book(salon, "never", 25*hour, deliver(func(d *integration.Delivery) { *d = integration.Delivery{Status: integration.Skipped} }))
			s.book(salon, "pending", 26*hour, deliver(func(d *integration.Delivery) { *d = integration.Delivery{Status: integration.Pending} }))
			s.book(salon, "retrying", 27*hour, s.retrying)
			s.book(salon, "waiting", 28*hour, waits(integration.NoReason))
			s.book(salon, "refused", 29*hour, deliver(func(d *integration.Delivery) {
				*d = integration.Delivery{Status: integration.Failed, Reason: integration.Rejected}
			}))
			s.book(salon, "gone", 34*hour, func(b *store.Booking) {
				gone(b)
				deliver(func(d *integration.Delivery) { d.Status, d.Detail = integration.Skipped, "" })(b)
			})
			s.book(salon, "lost", 30*hour, deliver(func(d *integration.Delivery) { d.Written, d.Link = false, "" }))
			s.book(salon, "taken", 31*hour, s.taken)
			s.book(salon, "taken, then deleted", 32*hour, func(b *store.Booking) { s.taken(b); b.State = booking.Deleted })
			s.book(salon, "taken as reserved, then confirmed", 33*hour, func(b *store.Booking) {
				s.taken(b)
				b.History = append(b.History, store.Step{At: s.now, Kind: "confirmed", Outcome: "ok"})
			})
		}},
		{name: "history-removing", path: "/settings/history", given: func(s *site) {
			s.connect(salon, func(c *integration.Connection) {
				c.Enabled, c.Status, c.RemoveEvents = false, integration.Disconnecting, true
			})
			status := func(st integration.DeliveryStatus, more func(*integration.Delivery)) func(*store.Booking) {
				return deliver(func(d *integration.Delivery) {
					if d.Status = st; more != nil {
						more(d)
					}
				})
			}
			s.book(salon, "1", 24*hour, status(integration.Pending, nil))
			s.book(salon, "2", 25*hour, status(integration.Waiting, nil))
			s.book(salon, "3", 26*hour, status(integration.Pending, func(d *integration.Delivery) {
				d.Attempts, d.Reason, d.NextAttemptAt = 1, integration.Quota, s.now.Add(5*time.Minute)
			}))
			s.book(salon, "new", 27*hour, status(integration.Pending, func(d *integration.Delivery) { d.Place, d.Written = integration.Place{}, false }))
			s.book(salon, "past", -24*hour, status(integration.Pending, nil))
		}},
		{name: "other-company", path: disablePath + "?company=3", status: 409},
		{name: "booking", path: "/settings/history?booking=" + url.QueryEscape("981/../ñ&<b>"), given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "981/../ñ&<b>", 24*hour, allSteps)
		}},
		{name: "booking-tombstone", path: "/settings/history?booking=5", given: func(s *site) { s.book(salon, "5", hour, tombstone) }},
		{name: "booking-refused", path: "/settings/history?booking=7", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "7", 24*hour, refused)
		}},
		{name: "booking-gone", path: "/settings/history?booking=7", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "7", 24*hour, gone)
		}},
		{name: "booking-retried", path: "/settings/history?booking=7&result=retried", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "7", 24*hour, func(b *store.Booking) {
				deliver(func(d *integration.Delivery) { d.Status = integration.Pending })(b)
				b.AddSteps(store.Step{At: b.At, Kind: gcal.StepAsked, Integration: integration.GoogleCalendar, Outcome: "ok"})
			})
		}},
		{name: "booking-looked", path: "/settings/history?booking=7&at=1796135400&result=looked", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "7", 24*hour, nil)
		}},
		{name: "booking-looked-gone", path: "/settings/history?booking=7&at=1796135400&result=looked", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "7", 24*hour, gone)
		}},
		{name: "booking-unlooked", path: "/settings/history?booking=7&at=1796135400&result=unlooked", given: func(s *site) {
			s.connect(salon, nil)
			s.book(salon, "7", 24*hour, nil)
		}},
		{name: "booking-unknown", path: "/settings/history?booking=nobody", status: 404},
		{name: "activity-empty", path: "/settings/activity"},
		{name: "activity", path: "/settings/activity", given: (*site).everyAct},
		{name: "history-found", path: "/settings/history?state=confirmed&delivery=google-calendar%3Afailed&from=2026-12-01", given: (*site).everyDelivery},
		{name: "history-by-name", post: historyPath, form: url.Values{"company": {"2"}, "find": {"ana"}}, given: (*site).everyDelivery},
		{name: "history-none", post: historyPath, form: url.Values{"company": {"2"}, "find": {"Zoilo"}}, given: (*site).everyDelivery},
		{name: "history-dates-invalid", path: "/settings/history?from=2026-12-02&until=2026-12-01", status: 422, given: (*site).everyDelivery},
		{name: "history-date-unknown", path: "/settings/history?from=2026-12-02&until=9999-12-31", status: 422},
		{name: "history-state-bad", path: "/settings/history?state=lost", status: 400},
		{name: "feed-off", path: "/settings/feed"},
		{name: "feed", path: "/settings/feed?result=create", given: (*site).share},
		{name: "feed-hidden", path: "/settings/feed", given: func(s *site) {
			s.share()
			c, err := s.store.Company(s.Context(), salon)
			s.must(err)
			c.FeedTokenHash = hashOf("made with a secret that is gone")
			s.must(s.store.PutCompany(s.Context(), &c))
		}},
		{name: "feed-removed", path: "/settings/feed?result=remove"},
		{name: "cursor-bad", path: "/settings/history?cursor=!", status: 400},
		{name: "not-found", path: "/settings/nowhere", status: 404},
	}
}

// TestPages renders every page in each of its states and languages, examines
// it, and compares it with the golden one.
func TestPages(t *testing.T) {
	for _, tc := range pageCases() {
		for _, lang := range words.Languages() {
			t.Run(tc.name+"."+lang, func(t *testing.T) {
				s := newSite(t)
				if tc.given != nil {
					tc.given(s)
				}
				claims := s.claims(salon)
				claims.Locale = lang
				b := s.enter(claims)
				var res *http.Response
				if tc.form != nil {
					res = b.post(cmp.Or(tc.post, disablePath), tc.form)
					if res.StatusCode == http.StatusSeeOther {
						res = b.get(res.Header.Get("Location"))
					}
				} else {
					res = b.get(tc.path)
				}
				checkPage(t, res, max(tc.status, 200), tc.name+"."+lang)
			})
		}
	}
}

// TestStrangersPages are the pages that nobody in particular sees.
func TestStrangersPages(t *testing.T) {
	for _, lang := range words.Languages() {
		for name, ask := range map[string]func(*site) *http.Response{
			"stranger": func(s *site) *http.Response { return (&browser{s: s, lang: lang}).get("/settings") },
			"stranger-form": func(s *site) *http.Response {
				return (&browser{s: s, lang: lang}).post(optionsPath, url.Values{"company": {"2"}, "title": {`{service} "&" <b>`}, "notice": {"a", "b"}})
			},
			"stranger-form-early": func(s *site) *http.Response {
				return (&browser{s: s, lang: lang}).post(optionsPath, url.Values{"company": {"2"}, "title": {"x"}, fieldAgain: {"yes"}})
			},
			"link-bad": func(s *site) *http.Response { return (&browser{s: s, lang: lang}).get("/settings?session=x") },
			// These speak the link's language, not the browser's.
			"link-expired": func(s *site) *http.Response {
				return (&browser{s: s, lang: "de"}).get("/settings?session=" + s.expired(lang))
			},
			"link-used": func(s *site) *http.Response {
				return (&browser{s: s, lang: "de"}).get("/settings?session=" + s.used(lang))
			},
		} {
			t.Run(name+"."+lang, func(t *testing.T) {
				s := newSite(t)
				checkPage(t, ask(s), http.StatusUnauthorized, name+"."+lang)
			})
		}
	}
}

func (s *site) expired(lang string) string {
	c := s.claims(salon)
	c.Locale = lang
	c.IssuedAt = s.now.Add(-hour)
	return s.token(c)
}

func (s *site) used(lang string) string {
	c := s.claims(salon)
	c.Locale = lang
	token := s.token(c)
	(&browser{s: s}).get("/settings?session=" + token).Body.Close()
	return token
}

var hashedFull = regexp.MustCompile(`/settings/static/\w+\.[0-9a-f]{12}\.\w+`)

var hashed = regexp.MustCompile(`(/settings/static/\w+)\.[0-9a-f]{12}\.`)

var sealed = regexp.MustCompile(`search=[\w-]{20,}`)

// checkPage examines a page, and compares it with the golden one.
func checkPage(t *testing.T, res *http.Response, status int, golden string) {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("status %d, want %d", res.StatusCode, status)
	}
	if ct := res.Header.Get("Content-Type"); ct != "text/html; charset=utf-8" {
		t.Errorf("content type %q", ct)
	}
	if lang := res.Header.Get("Content-Language"); !strings.HasSuffix(golden, lang) {
		t.Errorf("language %q", lang)
	}
	lint(t, string(body))
	got := hashed.ReplaceAllString(string(body), "$1.HASH.")
	got = sealed.ReplaceAllString(got, "search=SEALED")
	path := filepath.Join("testdata", golden+".html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got (run with -update if that is right):\n%s", diff)
	}
}
