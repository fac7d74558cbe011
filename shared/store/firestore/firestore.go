// Package firestore keeps a [store.Store] in Cloud Firestore, in Native mode.
//
// # Documents
//
// Fields are named as operators and exports read them. An instant is a
// timestamp in UTC; what is empty or not set is left out, except where it says
// otherwise.
//
//	integrations/{integration}
//	    name, description, enabled, changed_at
//	    Without a document, or a field of it, the default counts. Whoever sets
//	    enabled by hand sets changed_at as well.
//
//	companies/{company}
//	    name, locale, country, time_zone, email, phone, feed_token_hash, feed_seed
//
//	companies/{company}/connections/{integration}
//	    integration, enabled, status, reason, remove_events
//	    integration_data   {account_email, account_subject, calendar_id, calendar_name, scopes,
//	                        access_token, token_expiry, secret_version}; {} once disconnected
//	    options            {summary, description, invite_customer, reminder {own, minutes}, color,
//	                        language, mute {reserved, confirmed, deleted}}
//	    used               {account's hash: [calendar]}
//	    changed_at, backfill_due, passed_at, created_at, updated_at
//	    reconciled_at, checked_at      null if never
//	    notices, notice_due, added, refused, refused_at
//	    owed               the integration's id while maintain owes the company a pass or a removal
//	    holder             integration/account's subject, while integration_data names one
//
//	companies/{company}/bookings/{booking}
//	    id, service, time_zone, customer {name, phone, email}, staff, location, notes, url
//	    start, end         null if they were never told
//	    state, at, revision, created_at, updated_at, expire_at
//	    deliveries         {integration: {status, reason, detail, revision, place {account, calendar,
//	                        generation}, written, form, external_id, link, sent {announced, sends, told},
//	                        receipt {id, kind, revision, status, code, at}, lease {attempt, until},
//	                        attempts, next_attempt_at, updated_at}}
//	    history            [{at, kind, integration, outcome, detail}], oldest first
//	    next_attempt_at    only while something is due
//	    waiting            [integration] whose delivery is waiting, only if there is one
//	    marks              [mark], see store.Marks
//	    name_key           store.NameKey of the customer's name, only if anything is left of it
//
//	companies/{company}/activity/{id}
//	    at, kind, integration, actor, outcome, detail, trace
//	    Later ones have lesser ids, so that a list by id has the newest first.
//
//	oauth_states/{hash}
//	    company, integration, verifier, session, replace, expire_at
//
//	used_links/{jti}
//	    expire_at
//
// An id stands for itself, but for what Firestore does not take in one: that
// is escaped with a percent sign and two hexadecimal digits, and so is the
// percent sign.
//
// # Queries
//
// Owed, holder, waiting, marks and name_key are there to be queried, as are
// nulls: a document without a field is not in its index. What has an index, and
// that everything else is exempt from indexing, is declared in
// terraform/firestore.indexes.json and tested; docs/scale.md says what follows
// from it.
//
// A page of the history is one query, whatever its filter: a state, a status
// or both are one mark, and marks, phone and name have an index in each
// combination, by start. A query by name and dates reads the index of the names
// that begin as asked, whatever their dates; the documents that it reads are
// those of its page, as always. By a filter with a state, a status or a name, a
// booking that was written before there were marks is found once it has been
// written again; by phone or dates, and without a filter, it is found at any
// time.
//
// # Writing
//
// A record's version is its document's update time. A write is one Commit with
// a precondition, which replaces the whole document; a connection and its
// activity are several writes of one Commit, so all happen or none. There are
// no transactions, which would take a further call to begin. A document that
// has been replaced names the version before it in "replaces": so no write
// leaves it as it was, which would leave its update time too.
//
// A Commit may be applied though its answer is lost. Repeated, by this package
// or by its caller, it then meets its own write as a conflict: who gets one has
// to read before concluding that another was there. The engine does so, and
// finds its attempt's id in the record.
//
// # The client
//
// The package speaks to the service by the generated client, apiv1, for what
// the other one lacks: replacing a document on a precondition, several writes
// at once without a transaction, retries that end, and documents encoded
// without reflection, in a third of the time.
package firestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	apiv1 "cloud.google.com/go/firestore/apiv1"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/citasync/citasync/shared/store"
)

// The collections, which the package comment describes.
const (
	integrations = "integrations"
	companies    = "companies"
	connections  = "connections"
	bookings     = "bookings"
	activity     = "activity"
	oauthStates  = "oauth_states"
	usedLinks    = "used_links"
)

// defaultDatabase is the one that a project has first.
const defaultDatabase = "(default)"

// Store is a [store.Store] in a Firestore database. It may be used by several
// goroutines.
type Store struct {
	client   *apiv1.Client
	database string   // its resource name
	headers  []string // of every call
	ids      activityIDs
}

var _ store.Store = (*Store)(nil)

// Open returns a store in the project's database, by default the one called
// "(default)". It calls nobody but, to learn whether it runs at Google, the
// metadata server; a connection is made in the background. With the host:port
// of an emulator, that is used instead of the service, without encryption or
// credentials. The options are applied last.
func Open(ctx context.Context, project, database, emulator string, opts ...option.ClientOption) (*Store, error) {
	if project == "" {
		return nil, errors.New("open Firestore: no project")
	}
	if database == "" {
		database = defaultDatabase
	}
	client, err := apiv1.NewClient(ctx, append(clientOptions(emulator), opts...)...)
	if err != nil {
		return nil, fmt.Errorf("open Firestore: %w", err)
	}
	// The methods of Store repeat calls themselves, so that it ends.
	client.CallOptions = &apiv1.CallOptions{}
	name := "projects/" + project + "/databases/" + database
	return &Store{client: client, database: name, headers: headers(project, database, name), ids: activityIDs{now: time.Now}}, nil
}

// clientOptions are for an instance that serves up to a hundred requests at a
// time: they share one connection, which carries a hundred calls at a time.
// Spans and metrics of calls would cost, and nobody looks at them. The library
// logs calls whole, customers included, if an environment variable says so: it
// gets a logger that drops them.
func clientOptions(emulator string) []option.ClientOption {
	opts := []option.ClientOption{
		option.WithGRPCConnectionPool(1),
		option.WithTelemetryDisabled(),
		option.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if emulator == "" {
		return opts
	}
	return append(
		opts,
		option.WithEndpoint("passthrough:///"+emulator),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		option.WithGRPCDialOption(grpc.WithPerRPCCredentials(owner{})),
	)
}

// headers are what routes a call to its database; without them, only the
// default one is found.
func headers(project, database, name string) []string {
	return []string{
		"google-cloud-resource-prefix", name,
		"x-goog-request-params", "project_id=" + url.QueryEscape(project) + "&database_id=" + url.QueryEscape(database),
	}
}

// Close ends the connection.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("close Firestore: %w", err)
	}
	return nil
}

// owner makes an emulator treat the caller as a service account, to whom its
// security rules don't apply.
type owner struct{}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (owner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (owner) RequireTransportSecurity() bool { return false }
