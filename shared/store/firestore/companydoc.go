package firestore

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

func companyFields(c *store.Company) fields {
	f := make(fields, 8)
	f.text("name", c.Name)
	f.text("locale", c.Locale)
	f.text("country", c.Country)
	f.text("time_zone", c.TimeZone)
	f.text("email", c.Email)
	f.text("phone", c.Phone)
	f.text("feed_token_hash", c.FeedTokenHash)
	f.text("feed_seed", c.FeedSeed)
	return f
}

// readCompany returns the default if there is no document.
func readCompany(id booking.CompanyID, doc *pb.Document) (store.Company, error) {
	if doc == nil {
		return store.DefaultCompany(id), nil
	}
	f := newReader(doc.GetFields())
	return store.Company{
		Company: integration.Company{
			ID: id, Name: f.text("name"), Locale: f.text("locale"), Country: f.text("country"), TimeZone: f.text("time_zone"),
			Email: f.text("email"), Phone: f.text("phone"),
		},
		FeedTokenHash: f.text("feed_token_hash"), FeedSeed: f.text("feed_seed"), Version: version(doc.GetUpdateTime()),
	}, f.err()
}

// entryFields leaves nothing out, for a field that is missing has a default.
func entryFields(e *integration.Entry) fields {
	return fields{
		"name": text(e.Name), "description": text(e.Description),
		"enabled": boolean(e.Enabled), "changed_at": moment(e.ChangedAt),
	}
}

// readEntry returns the default if there is no document, and takes from it
// what a document lacks: one that an operator has made may say nothing but
// that the integration is off.
func readEntry(id integration.ID, doc *pb.Document) (integration.Entry, error) {
	e := store.DefaultEntry(id)
	if doc == nil {
		return e, nil
	}
	f := newReader(doc.GetFields())
	if _, ok := f.fields["name"]; ok {
		e.Name = f.text("name")
	}
	if _, ok := f.fields["description"]; ok {
		e.Description = f.text("description")
	}
	if _, ok := f.fields["enabled"]; ok {
		e.Enabled = f.flag("enabled")
	}
	e.ChangedAt, e.Version = f.time("changed_at"), version(doc.GetUpdateTime())
	return e, f.err()
}
