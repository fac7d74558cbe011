package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus/boltqueue"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

// operator is what the commands do to an installation: to the embedded stores
// directly, or through the process that serves, since they have one owner at a
// time; or to a project's services.
type operator interface {
	Info(context.Context) (info, error)
	Dead(context.Context) ([]boltqueue.DeadLetter, error)
	Redrive(ctx context.Context, id string) error
	RedriveAll(context.Context) (int, error)
	Entries(context.Context) ([]integration.Entry, error)
	Switch(ctx context.Context, id integration.ID, on bool) error
	Kept(context.Context, booking.CompanyID) (kept, error)
	TurnOff(context.Context, booking.CompanyID) ([]integration.ID, error)
	Erase(context.Context, booking.CompanyID) (erased, error)
}

// integrationIDs are all that there are.
func integrationIDs() []integration.ID {
	return []integration.ID{integration.GoogleCalendar, integration.WhatsApp}
}

// info tells where a serving process is to be reached.
type info struct {
	PublicURL     string   `json:"public_url"`
	ReturnOrigins []string `json:"return_origins"` // that links may lead back to; not nil
}

// catalogue operates on the catalogue of integrations.
type catalogue struct {
	store interface {
		Entry(context.Context, integration.ID) (integration.Entry, error)
		PutEntry(context.Context, *integration.Entry) error
	}
	now func() time.Time
	log *slog.Logger
}

func (c *catalogue) Entries(ctx context.Context) ([]integration.Entry, error) {
	var entries []integration.Entry
	for _, id := range integrationIDs() {
		e, err := c.store.Entry(ctx, id)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (c *catalogue) Switch(ctx context.Context, id integration.ID, on bool) error {
	e, err := c.store.Entry(ctx, id)
	if err != nil || e.Enabled == on {
		return err
	}
	e.Enabled, e.ChangedAt = on, c.now()
	if err := c.store.PutEntry(ctx, &e); err != nil {
		return err
	}
	c.log.LogAttrs(ctx, slog.LevelInfo, "integration switched for every company", slog.String("integration", string(id)), slog.Bool("enabled", on))
	return nil
}

// direct operates on embedded stores that this process has open.
type direct struct {
	catalogue
	companies
	info  info
	queue *boltqueue.Queue
}

func (d *direct) Info(context.Context) (info, error) { return d.info, nil }

func (d *direct) Dead(ctx context.Context) ([]boltqueue.DeadLetter, error) { return d.queue.Dead(ctx) }

func (d *direct) Redrive(ctx context.Context, id string) error { return d.queue.Redrive(ctx, id) }

func (d *direct) RedriveAll(ctx context.Context) (int, error) { return d.queue.RedriveAll(ctx) }

// operateUsage is what operate does, for a command's usage.
const operateUsage = `
It acts on the project that GOOGLE_CLOUD_PROJECT in the environment names (with
FIRESTORE_DATABASE, and FIRESTORE_EMULATOR_HOST, PUBSUB_EMULATOR_HOST and
SECRET_MANAGER_EMULATOR_HOST where emulators stand for the services), as whoever
the application's default credentials are of. With --data, or without such a
project, it acts on what is kept in a directory, through the process that serves
from there if there is one.
`

// operate calls do with an operator, chosen as operateUsage says. What it does
// itself, rather than a process that serves, is logged there.
func operate(ctx context.Context, e env, fs *flag.FlagSet, log *slog.Logger, do func(operator) error) error {
	dir, named := defaultData, false
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "data" {
			dir, named = f.Value.String(), true
		}
	})
	if !named && e.getenv("GOOGLE_CLOUD_PROJECT") != "" {
		return operateProject(ctx, e, log, do)
	}
	if c := dial(ctx, dir); c != nil {
		return do(c)
	}
	if _, err := os.Stat(filepath.Join(dir, storeFile)); err != nil {
		return fmt.Errorf("%w: nothing is kept in %q: name the --data directory that serve uses", errUsage, dir)
	}
	d, err := openData(dir, log)
	if err != nil {
		return err
	}
	return errors.Join(do(d.operator(info{}, d.unservedVault(e.getenv, log), log)), d.Close())
}

// unlogged is for a command that says itself all that it does.
func unlogged() *slog.Logger { return slog.New(slog.DiscardHandler) }

func socketPath(dir string) string { return filepath.Join(dir, "admin.sock") }

// listenAdmin opens the socket by which commands reach a serving process. Who
// may read the data directory may use it.
func listenAdmin(ctx context.Context, dir string) (net.Listener, error) {
	path := socketPath(dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // left by a process that was killed: the stores' lock is ours
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	old := syscall.Umask(0o177) // the socket is never open to others, not even before a chmod
	defer syscall.Umask(old)
	ln, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return ln, nil
}

func adminHandler(op operator) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, r *http.Request) {
		i, err := op.Info(r.Context())
		answer(w, i, err)
	})
	mux.HandleFunc("GET /dead", func(w http.ResponseWriter, r *http.Request) {
		d, err := op.Dead(r.Context())
		answer(w, d, err)
	})
	mux.HandleFunc("POST /dead", func(w http.ResponseWriter, r *http.Request) {
		n, err := op.RedriveAll(r.Context())
		answer(w, n, err)
	})
	mux.HandleFunc("POST /dead/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, op.Redrive(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("GET /integrations", func(w http.ResponseWriter, r *http.Request) {
		e, err := op.Entries(r.Context())
		answer(w, e, err)
	})
	for word, on := range map[string]bool{"enable": true, "disable": false} {
		mux.HandleFunc("PUT /integrations/{id}/"+word, func(w http.ResponseWriter, r *http.Request) {
			id, err := integration.ParseID(r.PathValue("id"))
			if err == nil {
				err = op.Switch(r.Context(), id, on)
			}
			answer(w, struct{}{}, err)
		})
	}
	handleCompany(mux, op)
	return mux
}

// handleCompany takes a company's id from the query: an id such as ".." is no
// part of a path.
func handleCompany(mux *http.ServeMux, op operator) {
	id := func(r *http.Request) booking.CompanyID { return booking.CompanyID(r.URL.Query().Get("id")) }
	mux.HandleFunc("GET /company", func(w http.ResponseWriter, r *http.Request) {
		k, err := op.Kept(r.Context(), id(r))
		answer(w, k, err)
	})
	mux.HandleFunc("PUT /company/off", func(w http.ResponseWriter, r *http.Request) {
		on, err := op.TurnOff(r.Context(), id(r))
		answer(w, on, err)
	})
	mux.HandleFunc("DELETE /company", func(w http.ResponseWriter, r *http.Request) {
		// There may be much to delete, and who waits for the answer still can end it.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			answer(w, nil, err)
			return
		}
		e, err := op.Erase(r.Context(), id(r))
		answer(w, e, err)
	})
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), fault.Status(err))
		return
	}
	_ = json.NewEncoder(w).Encode(v) // the command has gone
}

// answerTimeout is for what is answered at once, or after a call to Google.
const answerTimeout = 30 * time.Second

// remote operates through a serving process.
type remote struct{ http http.Client }

// dial returns nil if nobody serves from the data directory.
func dial(ctx context.Context, dir string) *remote {
	path := socketPath(dir)
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil
	}
	_ = conn.Close() // it only showed that somebody listens
	return &remote{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

func (c *remote) Info(ctx context.Context) (i info, err error) {
	return i, c.call(ctx, http.MethodGet, "/info", &i)
}

func (c *remote) Dead(ctx context.Context) (d []boltqueue.DeadLetter, err error) {
	return d, c.call(ctx, http.MethodGet, "/dead", &d)
}

func (c *remote) Redrive(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "/dead/"+url.PathEscape(id), nil)
}

func (c *remote) RedriveAll(ctx context.Context) (n int, err error) {
	return n, c.call(ctx, http.MethodPost, "/dead", &n)
}

func (c *remote) Entries(ctx context.Context) (e []integration.Entry, err error) {
	return e, c.call(ctx, http.MethodGet, "/integrations", &e)
}

func (c *remote) Switch(ctx context.Context, id integration.ID, on bool) error {
	word := "disable"
	if on {
		word = "enable"
	}
	return c.call(ctx, http.MethodPut, "/integrations/"+url.PathEscape(string(id))+"/"+word, nil)
}

func (c *remote) Kept(ctx context.Context, id booking.CompanyID) (k kept, err error) {
	return k, c.call(ctx, http.MethodGet, companyPath("/company", id), &k)
}

func (c *remote) TurnOff(ctx context.Context, id booking.CompanyID) (on []integration.ID, err error) {
	return on, c.call(ctx, http.MethodPut, companyPath("/company/off", id), &on)
}

// Erase waits as long as it takes.
func (c *remote) Erase(ctx context.Context, id booking.CompanyID) (e erased, err error) {
	return e, c.ask(ctx, http.MethodDelete, companyPath("/company", id), &e)
}

func companyPath(path string, id booking.CompanyID) string {
	return path + "?" + url.Values{"id": {string(id)}}.Encode()
}

func (c *remote) call(ctx context.Context, method, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return c.ask(ctx, method, path, into)
}

func (c *remote) ask(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://citasync"+path, nil)
	if err != nil {
		return fmt.Errorf("ask the serving process: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the serving process: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("ask the serving process: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the serving process: %s", bytes.TrimSpace(body))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the serving process: %w", err)
	}
	return nil
}
