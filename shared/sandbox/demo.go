package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Demo makes the sandbox a booking platform too: its companies take bookings,
// it tells of them by signed webhooks, and it leads its users to the panel by
// signed links, all as a real platform would, without knowing who listens.
type Demo struct {
	WebhookURL    string       // where webhooks are posted
	WebhookSecret string       // whsec_…, of Standard Webhooks
	PanelURL      string       // the base address that browsers see; "/settings" is below it
	SessionSecret []byte       // signs links (HS256), as it stands
	Companies     []Company    // nil: a hairdresser's in Madrid and a studio in Bogotá
	CalendarURL   string       // where "see the calendar" leads; empty: the sandbox's own page
	Return        bool         // links say where the panel's user comes back to; its origin must be allowed there
	Client        *http.Client // posts webhooks; nil: one that waits 10 seconds at most
}

// Company is one of the platform's customers.
type Company struct {
	ID       string
	Name     string
	City     string
	Location string // where its bookings take place
	Email    string
	Phone    string // E.164
	Country  string // ISO 3166-1 alpha-2
	Locale   string // "es", "en"
	TimeZone string // IANA
}

func defaultCompanies() []Company {
	return []Company{
		{
			ID: "1", Name: "Peluquería Sol", City: "Madrid", Location: "Calle de Alcalá 21, Madrid", Email: "salon@example.com",
			Phone: "+34910000001", Country: "ES", Locale: "es", TimeZone: "Europe/Madrid",
		},
		{
			ID: "2", Name: "Estudio Luna", City: "Bogotá", Location: "Calle 10 #4-21, Bogotá", Email: "luis@example.com",
			Phone: "+576010000002", Country: "CO", Locale: "es", TimeZone: "America/Bogota",
		},
	}
}

// linkLifetime is how long a link to the panel can be used.
const linkLifetime = 10 * time.Minute

// demo is the booking platform.
type demo struct {
	Demo
	sandbox *Sandbox
	signer  *standardwebhooks.Webhook
}

func newDemo(s *Sandbox, o Demo) (*demo, error) {
	var errs []error
	for _, u := range []string{o.WebhookURL, o.PanelURL} {
		if !absolute(u) {
			errs = append(errs, fmt.Errorf("%q is no address", u))
		}
	}
	if len(o.SessionSecret) == 0 {
		errs = append(errs, errors.New("no session secret"))
	}
	signer, err := standardwebhooks.NewWebhook(o.WebhookSecret)
	if err != nil {
		errs = append(errs, errors.New("the webhook secret is not of the form whsec_…")) // the cause would quote it
	}
	if o.Companies == nil {
		o.Companies = defaultCompanies()
	}
	for _, c := range o.Companies {
		if _, err := s.zones.load(c.TimeZone); err != nil {
			errs = append(errs, fmt.Errorf("company %s: %w", c.ID, err))
		}
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &demo{Demo: o, sandbox: s, signer: signer}, errors.Join(errs...)
}

func (d *demo) route(mux *http.ServeMux) {
	const company = "/demo/companies/{company}"
	mux.HandleFunc("GET /demo", func(w http.ResponseWriter, _ *http.Request) {
		render(w, http.StatusOK, "demo", d.Companies)
	})
	mux.HandleFunc("GET /demo/panel", d.toPanel)
	mux.HandleFunc("GET "+company, d.showCompany)
	mux.HandleFunc("POST "+company+"/bookings", d.act(d.reserve))
	mux.HandleFunc("POST "+company+"/bookings/{booking}/confirm", d.act(d.confirm))
	mux.HandleFunc("POST "+company+"/bookings/{booking}/move", d.act(d.move))
	mux.HandleFunc("POST "+company+"/bookings/{booking}/delete", d.act(d.delete))
	mux.HandleFunc("POST "+company+"/outbox/{message}/send", d.act(d.sendAgain))
}

func (d *demo) company(id string) (Company, bool) {
	i := slices.IndexFunc(d.Companies, func(c Company) bool { return c.ID == id })
	if i < 0 {
		return Company{}, false
	}
	return d.Companies[i], true
}

// act is a button on a company's page, which is shown again afterwards.
func (d *demo) act(f func(*http.Request, Company) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, ok := d.company(r.PathValue("company"))
		if !ok {
			render(w, http.StatusNotFound, "refused", "Esa empresa no existe.")
			return
		}
		if err := f(r, c); err != nil {
			render(w, http.StatusUnprocessableEntity, "refused", err.Error())
			return
		}
		http.Redirect(w, r, "/demo/companies/"+url.PathEscape(c.ID), http.StatusSeeOther)
	}
}

// toPanel sends the browser to the panel by a link made at that moment.
func (d *demo) toPanel(w http.ResponseWriter, r *http.Request) {
	c, ok := d.company(r.FormValue("company"))
	if !ok {
		render(w, http.StatusNotFound, "refused", "Esa empresa no existe.")
		return
	}
	link, err := d.panelLink(c, d.sandbox.address(r))
	if err != nil {
		render(w, http.StatusInternalServerError, "refused", "No se pudo firmar el enlace.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, link, http.StatusFound)
}

// panelLink is a signed link to the panel, good once.
func (d *demo) panelLink(c Company, here string) (string, error) {
	now := d.sandbox.now()
	claims := jwt.MapClaims{
		"iss": "demo", "aud": "citasync", "sub": c.ID, "jti": randomToken(),
		"iat": now.Unix(), "exp": now.Add(linkLifetime).Unix(),
		"name": c.Name, "email": c.Email, "phone": c.Phone, "country": c.Country, "locale": c.Locale, "time_zone": c.TimeZone,
	}
	if d.Return {
		claims["return_url"] = here + "/demo/companies/" + url.PathEscape(c.ID)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(d.SessionSecret)
	if err != nil {
		return "", fmt.Errorf("signing a link: %w", err)
	}
	return strings.TrimSuffix(d.PanelURL, "/") + "/settings?session=" + url.QueryEscape(token), nil
}
