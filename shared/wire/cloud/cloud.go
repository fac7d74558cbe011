// Package cloud opens the backends at Google that most functions are built on.
package cloud

import (
	"context"
	"time"

	"github.com/citasync/citasync/shared/gcf"
	"github.com/citasync/citasync/shared/secret/secretmanager"
	"github.com/citasync/citasync/shared/store/firestore"
	"github.com/citasync/citasync/shared/wire"
)

// Open opens Firestore and Secret Manager, which are closed when the function
// ends. It dials nobody. A publisher is left to those that publish, so that the
// others do not link one.
func Open(ctx context.Context, s gcf.Start) (wire.Parts, error) {
	records, err := firestore.Open(ctx, s.Config.Project, s.Config.Database, s.Config.FirestoreEmulator)
	if err != nil {
		return wire.Parts{}, err
	}
	s.OnEnd(records.Close)
	secrets, err := secretmanager.Open(ctx, s.Config.Project, s.Config.SecretManagerEmulator)
	if err != nil {
		return wire.Parts{}, err
	}
	s.OnEnd(secrets.Close)
	return wire.Parts{
		Config: s.Config, Store: records, Secrets: secrets, HTTP: wire.HTTPClient(), Now: time.Now, Log: s.Log,
	}, nil
}
