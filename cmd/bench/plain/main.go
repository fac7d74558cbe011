// Command plain is what the function onconfirm is measured against: the same
// task as the libraries' own examples would have it done, on the same backends.
// It reads the company and its connection, writes the booking, adds the event to
// the calendar by a client with the company's token, and writes what became of
// it: three calls to Firestore and one to Google.
//
// It is no example. An older event overwrites a newer one, a repeated one adds
// a second calendar event, a crash between two steps leaves what nobody finds,
// tokens lie in plain text, and nothing is tried again. The one thing that it
// does better than it might is that all its clients share a transport: without
// that it would run out of ports, and there would be nothing to compare with.
//
// It is configured as onconfirm is, by PORT, GOOGLE_CLOUD_PROJECT,
// FIRESTORE_EMULATOR_HOST, GOOGLE_EMULATOR_URL and the OAuth client. With the
// argument "seed" it only stores the connections that standard input lists, as
// JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"golang.org/x/oauth2"
	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/option"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err := run(context.Background(), os.Args[1:]); err != nil {
		slog.Error("plain", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	db, err := firestore.NewClient(ctx, os.Getenv("GOOGLE_CLOUD_PROJECT"))
	if err != nil {
		return fmt.Errorf("firestore: %w", err)
	}
	if len(args) > 0 && args[0] == "seed" {
		return seed(ctx, db, os.Stdin)
	}
	google := os.Getenv("GOOGLE_EMULATOR_URL")
	f := function{db, google, oauth2.Config{
		ClientID: os.Getenv("GOOGLE_CLIENT_ID"), ClientSecret: os.Getenv("GOOGLE_CLIENT_SECRET"),
		Endpoint: oauth2.Endpoint{TokenURL: google + "/oauth2/token"},
	}, &http.Client{Transport: &http.Transport{MaxIdleConns: 200, MaxIdleConnsPerHost: 100}}}
	if err := funcframework.RegisterHTTPFunctionContext(ctx, "/", f.serve); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT"))
}

// connection is a company's.
type connection struct {
	Company      string    `firestore:"-" json:"company"`
	CalendarID   string    `firestore:"calendar_id" json:"calendar_id"`
	AccessToken  string    `firestore:"access_token" json:"access_token"`
	RefreshToken string    `firestore:"refresh_token" json:"refresh_token"`
	Expiry       time.Time `firestore:"expiry" json:"expiry"`
}

// company is what events tell of it.
type company struct {
	Name   string `firestore:"name"`
	Locale string `firestore:"locale"`
}

func seed(ctx context.Context, db *firestore.Client, r io.Reader) error {
	var all []connection
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return fmt.Errorf("connections: %w", err)
	}
	for _, c := range all {
		ref := db.Collection("plain_companies").Doc(c.Company)
		_, err1 := ref.Set(ctx, company{"Peluquería Sol", "es"})
		_, err2 := ref.Collection("connections").Doc("google").Set(ctx, c)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("connection: %w", err)
		}
	}
	return nil
}

// push is a Pub/Sub message as it is pushed.
type push struct {
	Message struct {
		Data []byte `json:"data"`
	} `json:"message"`
}

// event is what it says.
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Company string  `json:"company_id"`
		Booking booking `json:"booking"`
	} `json:"data"`
}

type booking struct {
	ID       string   `json:"id" firestore:"id"`
	Service  string   `json:"service" firestore:"service"`
	Start    string   `json:"start" firestore:"start"`
	End      string   `json:"end" firestore:"end"`
	TimeZone string   `json:"time_zone" firestore:"time_zone"`
	Customer customer `json:"customer" firestore:"customer"`
	Staff    string   `json:"staff" firestore:"staff"`
	Location string   `json:"location" firestore:"location"`
	Notes    string   `json:"notes" firestore:"notes"`
	URL      string   `json:"url" firestore:"url"`
}

type customer struct {
	Name  string `json:"name" firestore:"name"`
	Phone string `json:"phone" firestore:"phone"`
	Email string `json:"email" firestore:"email"`
}

type function struct {
	db     *firestore.Client
	google string
	oauth  oauth2.Config
	http   *http.Client
}

func (f function) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	err := f.handle(r)
	if err != nil {
		slog.ErrorContext(r.Context(), "event not handled", "error", err.Error())
		http.Error(w, "event not handled", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f function) handle(r *http.Request) error {
	ctx := r.Context()
	var p push
	var ev event
	if err := errors.Join(json.NewDecoder(r.Body).Decode(&p), json.Unmarshal(p.Message.Data, &ev)); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	b := ev.Data.Booking
	if err := b.check(); err != nil {
		return fmt.Errorf("booking: %w", err)
	}
	ref := f.db.Collection("plain_companies").Doc(ev.Data.Company)
	about, conn, err := f.read(ctx, ref)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	doc := ref.Collection("bookings").Doc(b.ID)
	if _, err := doc.Set(ctx, map[string]any{"booking": b, "state": ev.Type, "at": ev.Timestamp, "status": "pending"}); err != nil {
		return fmt.Errorf("write the booking: %w", err)
	}
	slog.InfoContext(ctx, "booking confirmed", "company", ev.Data.Company, "booking", b.ID)
	added, err := f.insert(ctx, conn, ev.Data.Company, about, b)
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	if _, err := doc.Update(ctx, []firestore.Update{
		{Path: "status", Value: "done"}, {Path: "event_id", Value: added.Id}, {Path: "link", Value: added.HtmlLink}, {Path: "updated_at", Value: time.Now()},
	}); err != nil {
		return fmt.Errorf("write the outcome: %w", err)
	}
	slog.InfoContext(ctx, "event added", "company", ev.Data.Company, "booking", b.ID, "event", added.Id)
	return nil
}

// check demands hours that exist, in a zone that does.
func (b booking) check() error {
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return err
	}
	start, err1 := time.ParseInLocation("2006-01-02T15:04:05", b.Start, zone)
	end, err2 := time.ParseInLocation("2006-01-02T15:04:05", b.End, zone)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !end.After(start) {
		return errors.New("it ends before it starts")
	}
	return nil
}

func (f function) read(ctx context.Context, ref *firestore.DocumentRef) (about company, c connection, err error) {
	docs, err := f.db.GetAll(ctx, []*firestore.DocumentRef{ref, ref.Collection("connections").Doc("google")})
	if err != nil {
		return about, c, err
	}
	return about, c, errors.Join(docs[0].DataTo(&about), docs[1].DataTo(&c))
}

// insert adds the event by a client of the company's own, which refreshes its
// token when it has expired.
func (f function) insert(ctx context.Context, c connection, company string, about company, b booking) (*calendar.Event, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, f.http)
	tokens := f.oauth.TokenSource(ctx, &oauth2.Token{AccessToken: c.AccessToken, RefreshToken: c.RefreshToken, Expiry: c.Expiry})
	api, err := calendar.NewService(ctx, option.WithHTTPClient(oauth2.NewClient(ctx, tokens)), option.WithEndpoint(f.google+"/calendar/v3/"))
	if err != nil {
		return nil, err
	}
	return api.Events.Insert(c.CalendarID, &calendar.Event{
		Summary: b.Service + " – " + b.Customer.Name, Location: b.Location, Description: b.Notes + "\n" + about.Name,
		Start:              &calendar.EventDateTime{DateTime: b.Start, TimeZone: b.TimeZone},
		End:                &calendar.EventDateTime{DateTime: b.End, TimeZone: b.TimeZone},
		ExtendedProperties: &calendar.EventExtendedProperties{Private: map[string]string{"company": company, "booking": b.ID}},
	}).Context(ctx).Do()
}
