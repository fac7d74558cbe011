package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/cmd/acceptance/internal/served"
)

// salon is a company with an installation of its own, and its owner at her
// browser, let in by her platform.
type salon struct {
	*tab
	server  *served.Server
	company string
	bearer  string
}

const (
	ana  = "ana@example.com"
	luis = "luis@example.com"
)

// newSalon opens the panel for a company with bookings that are confirmed.
func newSalon(t *testing.T, s screen, bookings ...string) *salon {
	t.Helper()
	chrome.need(t) // before the installation is started
	o := &salon{server: citasync.Serve(t), company: "2"}
	for i, id := range bookings {
		o.server.Send(o.event("confirmed", id, 24*time.Hour*time.Duration(i+1)))
	}
	o.tab = newPerson(t, s).tab()
	o.enter()
	return o
}

// enter opens a fresh link of the platform's.
func (s *salon) enter() {
	s.Helper()
	s.open(s.link(s.company, "Salón Luz"))
}

func (s *salon) link(company, name string) string {
	s.Helper()
	return s.server.Link(company, "--name", name, "--locale", "es", "--time-zone", "America/Bogota",
		"--return-url", s.server.Demo+"/demo/companies/"+company)
}

// event is a booking event, of a booking that starts in a while.
func (s *salon) event(kind, id string, in time.Duration) string {
	at := time.Now().Add(in).Truncate(time.Hour)
	return fmt.Sprintf(`{"type":"booking.%s","timestamp":%q,"data":{"company_id":%q,"booking":{"id":%q,"service":"Corte de pelo",
		"start":%q,"end":%q,"time_zone":"America/Bogota","customer":{"name":"Marta Ríos","phone":"+573009998877"}}}}`,
		kind, time.Now().UTC().Format(time.RFC3339Nano), s.company, id, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))
}

// consent chooses an account on Google's page, takes the tick out of boxes whose
// words begin so, and allows.
func (s *salon) consent(account string, untick ...string) {
	s.Helper()
	s.wait("Google's page", "document.querySelector('h1')?.innerText.startsWith('Elige una cuenta')")
	s.pick(account)
	for _, box := range untick {
		s.choose(box)
	}
	s.follow("Permitir")
}

// pick chooses the account that has the address in its label.
func (s *salon) pick(account string) {
	s.Helper()
	label := eval[string](s.tab, fmt.Sprintf("all('input[type=radio]').map(label).find((l) => l.includes(%s))", quoted(account)))
	s.choose(label)
}

// connect connects an account, from the overview.
func (s *salon) connect(account string) {
	s.Helper()
	s.follow("Conectar Google Calendar")
	s.consent(account)
	s.says("Conectado")
}

// api asks the API as the platform does.
func (s *salon) api(method, path, body string, into any) {
	s.Helper()
	if s.bearer == "" {
		s.bearer = s.server.Bearer(s.company)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.bearer)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(answer, into)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		s.Fatalf("%s is answered with %d: %v\n%s", path, res.StatusCode, err, answer)
	}
}

// status is what the API says of an integration.
func (s *salon) status(id string) string {
	s.Helper()
	var all struct {
		Integrations []struct{ ID, Status string }
	}
	s.api(http.MethodGet, "/v1/integrations", "", &all)
	for _, i := range all.Integrations {
		if i.ID == id {
			return i.Status
		}
	}
	return ""
}

// acts counts what the activity tells of one kind.
func (s *salon) acts(kind string) (n int) {
	s.Helper()
	var all struct{ Activity []struct{ Kind string } }
	s.api(http.MethodGet, "/v1/activity", "", &all)
	for _, a := range all.Activity {
		if a.Kind == kind {
			n++
		}
	}
	return n
}

// delivered waits until a booking's delivery to Google Calendar has a status. It
// looks the booking up in the list: an event that was just accepted may not be
// there yet.
func (s *salon) delivered(id, status string) {
	s.Helper()
	s.until("booking "+id+" that is "+status, func() bool {
		var all struct {
			Bookings []struct {
				ID         string
				Deliveries map[string]struct{ Status string }
			}
		}
		s.api(http.MethodGet, "/v1/bookings", "", &all)
		for _, b := range all.Bookings {
			if b.ID == id {
				return b.Deliveries["google-calendar"].Status == status
			}
		}
		return false
	})
}

// events counts those in an account's main calendar, as Google's page shows it.
func (s *salon) events(account string) int {
	s.Helper()
	res, err := http.Get(s.server.Demo + "/sandbox/calendar?account=" + url.QueryEscape(account))
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return strings.Count(string(body), `aria-label="Borrar a mano `)
}
