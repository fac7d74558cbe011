package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/citasync/citasync/shared/bus/boltqueue"
	"github.com/citasync/citasync/shared/bus/gcppubsub/provision"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/secret/secretmanager"
	"github.com/citasync/citasync/shared/store/firestore"
	"github.com/citasync/citasync/shared/wire"
)

// deployed operates on a project's Firestore, Pub/Sub and Secret Manager.
type deployed struct {
	catalogue
	companies
	info    info
	records *firestore.Store
	pubsub  *provision.Admin
}

func openDeployed(ctx context.Context, c config.Config, log *slog.Logger) (*deployed, error) {
	records, err := firestore.Open(ctx, c.Project, c.Database, c.FirestoreEmulator)
	if err != nil {
		return nil, err
	}
	pubsub, err := provision.Open(ctx, c.Project, c.PubSubEmulator)
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	d := &deployed{
		catalogue: catalogue{store: records, now: time.Now, log: log},
		companies: companies{store: records, vault: projectVault(c, records, log), now: time.Now, log: log},
		records:   records, pubsub: pubsub,
	}
	if c.PublicURL != nil {
		d.info.PublicURL = c.PublicURL.String()
	}
	return d, nil
}

// projectVault opens Secret Manager each time that it is needed, which is
// seldom.
func projectVault(c config.Config, records *firestore.Store, log *slog.Logger) func(context.Context) (*vault, error) {
	return func(ctx context.Context) (*vault, error) {
		if c.SecretManagerEmulator == "" && c.FirestoreEmulator != "" {
			return nil, errors.New("SECRET_MANAGER_EMULATOR_HOST is not set, but FIRESTORE_EMULATOR_HOST is: set both or neither")
		}
		secrets, err := secretmanager.Open(ctx, c.Project, c.SecretManagerEmulator)
		if err != nil {
			return nil, err
		}
		end := func() { _ = secrets.Close() } // it has nothing in hand
		return &vault{secrets, revoker(records, secrets, wire.HTTPClient(), googleBase(c), log), end}, nil
	}
}

func (d *deployed) Close() error { return errors.Join(d.pubsub.Close(), d.records.Close()) }

func (d *deployed) Info(context.Context) (info, error) { return d.info, nil }

func (d *deployed) Dead(ctx context.Context) ([]boltqueue.DeadLetter, error) {
	found, err := d.pubsub.DeadLetters(ctx)
	letters := make([]boltqueue.DeadLetter, 0, len(found))
	for _, l := range found {
		letters = append(letters, boltqueue.DeadLetter{
			ID: l.ID, Topic: l.Topic, Attributes: l.Attributes, PublishedAt: l.PublishedAt, FailedAt: l.FailedAt, Attempts: l.Attempts,
		})
	}
	return letters, err
}

func (d *deployed) Redrive(ctx context.Context, id string) error { return d.pubsub.Redrive(ctx, id) }

func (d *deployed) RedriveAll(ctx context.Context) (int, error) { return d.pubsub.RedriveAll(ctx) }

// operateProject calls do with an operator for the project that the environment
// names.
func operateProject(ctx context.Context, e env, log *slog.Logger, do func(operator) error) error {
	c, err := config.Load(e.getenv, config.Cloud)
	if err != nil {
		return err
	}
	d, err := openDeployed(ctx, c, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "project %s, database %s\n", c.Project, c.Database)
	return errors.Join(do(d), d.Close())
}
