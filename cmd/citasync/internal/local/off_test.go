package local

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
)

// Answers of the page that asks before it turns the integration off.
const (
	keepWords   = "Dejarlos en el calendario"
	removeWords = "Quitarlos del calendario"
)

// turnOffByPage turns the integration off by the page that asks, with the answer
// that is labelled so. It ends on the overview.
func (v *visitor) turnOffByPage(events string) {
	v.t.Helper()
	v.enter()
	v.click("Desactivar Google Calendar")
	v.says("¿Desactivar Google Calendar?", "Se borrarán los datos de la conexión con la cuenta "+ana+".")
	v.press("Sí, desactivar", choose(events))
}

// TestWalkOffKeeping: the company turns the integration off by the page that asks
// while Google answers nothing but errors. At once neither secret nor data is
// left, the events stay, and nobody calls Google for the company any more.
func TestWalkOffKeeping(t *testing.T) {
	for name, spoil := range nobodyHelps() {
		t.Run(name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				evs := bookings(3)
				v.apply(evs...)
				before := v.remember(evs)
				spoil(v)
				v.turnOffByPage(keepWords)
				v.says("Google Calendar está desactivado. Ya no se envía ninguna reserva y hemos borrado los datos de la conexión. Los eventos que queden en tu calendario ya no cambiarán.", "Desconectado")
				v.nothingLeft(before)
				v.click("Actividad")
				v.says("Google Calendar se desactivó", "los eventos se quedan en el calendario", "Se borraron los datos de la conexión con Google Calendar")
				v.google.ClearFaults()
				v.google.ClearRequests()
				v.apply(changed(evs[0]), event(booking.Deleted, acme, evs[1].Booking.ID, 2, ""))
				v.maintain(2*day, time.Hour)
				v.noCalls("for a company that is turned off")
				for _, ev := range evs {
					if live := v.mine(ana, acme, ev.Booking.ID); len(live) != 1 {
						v.t.Errorf("%d events of booking %s, though they were to be kept", len(live), ev.Booking.ID)
					}
				}
			})
		})
	}
}

// nobodyHelps are the ways in which Google is of no help to who turns off.
func nobodyHelps() map[string]func(*visitor) {
	spoil := func(f sandbox.Fault) func(*visitor) {
		return func(v *visitor) {
			f.Operation = "*"
			v.spoil(f)
		}
	}
	return map[string]func(*visitor){
		"500":     spoil(sandbox.Fault{Status: 500}),
		"slow":    spoil(sandbox.Fault{Latency: time.Hour}),
		"dropped": spoil(sandbox.Fault{Action: sandbox.DropBefore}),
		"a dead grant": func(v *visitor) {
			_, err := v.google.RevokeGrants(ana)
			check(v.t, err)
		},
	}
}

// TestWalkOffRemoving: the same, with the events of what is to come to be
// removed. After a day without success it ends, neither secret nor data is left,
// and the panel lists the events that are.
func TestWalkOffRemoving(t *testing.T) {
	for name, spoil := range nobodyHelps() {
		t.Run(name, func(t *testing.T) {
			walk(t, func(v *visitor) {
				evs := bookings(3)
				v.apply(evs...)
				before := v.remember(evs)
				spoil(v)
				v.turnOffByPage(removeWords)
				v.says("Google Calendar se está desactivando", "Desactivándose", "Estamos quitando de tu calendario los eventos de las próximas reservas.")
				if v.page.leadsTo("/oauth/start") {
					v.t.Error("a connection can be begun during the removal")
				}
				v.maintain(25*time.Hour, 5*time.Minute)
				v.nothingLeft(before)
				v.leftListed(evs)
				v.google.ClearRequests()
				v.maintain(2*day, time.Hour)
				v.noCalls("for a company that is turned off")
			})
		})
	}
}

// TestWalkOffThroughTheDay: Google is of no help for some hours of the removal.
// Then the events go, and nothing is left.
func TestWalkOffThroughTheDay(t *testing.T) {
	walk(t, func(v *visitor) {
		evs := bookings(3)
		v.apply(evs...)
		before := v.remember(evs)
		v.spoil(sandbox.Fault{Operation: "*", Status: 500, Until: time.Now().Add(5 * time.Hour)})
		v.turnOffByPage(removeWords)
		v.maintain(8*time.Hour, time.Minute)
		v.nothingLeft(before)
		v.enter()
		v.says("Desconectado", "Tus reservas no se envían a Google Calendar.")
		v.silent("Eventos que quedaron")
		for _, ev := range evs {
			if live := v.mine(ana, acme, ev.Booking.ID); len(live) > 0 {
				v.t.Errorf("the event of booking %s is still there", ev.Booking.ID)
			}
		}
		if g := v.google.Grants(ana); len(g) > 0 {
			v.t.Errorf("the grant was not given back: %+v", g)
		}
		v.click(connectWords)
		v.press(allowWords, choose(accountWords))
		v.maintain(3*time.Minute, 5*time.Second)
		v.well(evs...)
	})
}

// TestWalkOffDeadGrant: the page that asks says beforehand that a dead grant can
// remove nothing. It ends at once, without a call.
func TestWalkOffDeadGrant(t *testing.T) {
	walk(t, func(v *visitor) {
		evs := bookings(3)
		v.apply(evs...)
		before := v.remember(evs)
		_, err := v.google.RevokeGrants(ana)
		check(v.t, err)
		v.apply(changed(evs[0]))
		before.bookings[evs[0].Booking.ID] = *v.record(acme, evs[0].Booking.ID)
		evs[0] = changed(evs[0])
		v.google.ClearRequests()
		v.enter()
		v.click("Desactivar Google Calendar")
		v.says("Google no acepta ahora la conexión, así que no podremos quitarlos: te mostraremos cuáles quedan.")
		v.press("Sí, desactivar", choose(removeWords))
		v.says("Google Calendar está desactivado y ya no se envía ninguna reserva, pero no pudimos quitar todos los eventos de las próximas reservas")
		v.nothingLeft(before)
		v.leftListed(evs)
		v.maintain(2*day, time.Hour)
		v.noCalls("with a dead grant")
	})
}

// leftListed demands that the overview names the events that could not be
// removed, each with a link to it.
func (v *visitor) leftListed(evs []booking.Event) {
	v.t.Helper()
	v.enter()
	v.says("Desconectado", "no pudimos quitar todos los eventos de las próximas reservas", "Puedes borrarlos a mano.", "Eventos que quedaron en el calendario")
	for _, ev := range evs {
		a := v.page.one("a", func(n *html.Node) bool { return strings.HasPrefix(text(n), row(ev)+", 20 de enero") })
		if link := v.delivery(ev.Booking.ID).Link; a == nil || link == "" || attr(a, "href") != link {
			v.t.Errorf("booking %s is not listed with a link to %q:\n%s", ev.Booking.ID, link, v.page)
		}
	}
	if n := strings.Count(v.page.String(), "para Ana Ruiz"); n != len(evs) {
		v.t.Errorf("%d events are listed, not %d", n, len(evs))
	}
}

// stored is what was stored of a company when it was connected.
type stored struct {
	secrets  []string // what must not be found anywhere any more
	company  store.Company
	bookings map[booking.ID]store.Booking
}

func (w *world) remember(evs []booking.Event) stored {
	w.t.Helper()
	ctx, s := context.Background(), stored{bookings: map[booking.ID]store.Booking{}}
	data := w.connection(acme).Data
	token, err := w.secrets.Access(ctx, acme, data.SecretVersion)
	check(w.t, err)
	s.secrets = []string{string(token), base64.StdEncoding.EncodeToString(data.AccessToken), data.SecretVersion}
	s.company, err = w.store.Company(ctx, acme)
	check(w.t, err)
	s.company.FeedTokenHash = "the feed's"
	check(w.t, w.store.PutCompany(ctx, &s.company))
	for _, ev := range evs {
		s.bookings[ev.Booking.ID] = *w.record(acme, ev.Booking.ID)
	}
	return s
}

// nothingLeft demands that neither the secrets' directory nor a record has
// anything of the connection, and that what is the company's own is kept.
func (w *world) nothingLeft(before stored) {
	w.t.Helper()
	c := w.connection(acme)
	if c.Status != integration.Disconnected || c.Enabled || c.RemoveEvents || !c.Data.IsZero() || !c.NoticeDue.IsZero() ||
		!c.BackfillDue.IsZero() && !c.BackfillDue.Equal(c.ChangedAt) { // but what waited is to be told
		w.t.Errorf("the connection is %+v", c)
	}
	if kept := w.secretFiles(); len(kept) > 0 {
		w.t.Errorf("secrets on the disk: %v", kept)
	}
	acts, err := w.store.ListActivity(context.Background(), acme, "", 200)
	check(w.t, err)
	all, err := json.Marshal([]any{c, acts, w.kept(before)})
	check(w.t, err)
	for _, secret := range before.secrets {
		if strings.Contains(string(all), secret) {
			w.t.Errorf("a token, or the name of one, is stored yet:\n%s", all)
		}
	}
}

// kept demands that the company's own record and its bookings are as they were,
// with the places of the events that are there, and returns them.
func (w *world) kept(before stored) (all []any) {
	w.t.Helper()
	company, err := w.store.Company(context.Background(), acme)
	check(w.t, err)
	if d := cmp.Diff(before.company, company); d != "" {
		w.t.Errorf("the company's own record (-before +after):\n%s", d)
	}
	all = append(all, company)
	for id, b := range before.bookings {
		now := w.record(acme, id)
		all = append(all, now)
		if d := cmp.Diff(b.Booking, now.Booking); d != "" {
			w.t.Errorf("booking %s (-before +after):\n%s", id, d)
		}
		was, is := b.Deliveries[calendarID].Place, now.Deliveries[calendarID].Place
		if len(w.mine(ana, acme, id)) > 0 && was != is {
			w.t.Errorf("the event of booking %s was at %+v; the record says %+v", id, was, is)
		}
	}
	return all
}

// secretFiles lists what the secret store has on the disk.
func (w *world) secretFiles() (names []string) {
	w.t.Helper()
	dir := os.DirFS(filepath.Join(w.dir, "secrets"))
	check(w.t, fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	}))
	return names
}
