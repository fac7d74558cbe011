package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/store/bolt"
	"github.com/citasync/citasync/shared/store/firestore"
)

// writers is how many write to a store at a time that is being filled.
const writers = 32

// fill fills a store of that name, by whoever is given what a function is made
// of on it: the embedded one, in a file, or a database of its own in the
// emulator. It returns where a process of its own finds the store.
func (b *bench) fill(ctx context.Context, name string, embedded bool, write func(context.Context, *installation) error) (at spec, err error) {
	begun := time.Now()
	// An installation of its own, since both stores meet the same calendars.
	at = spec{Env: with(b.outside.env, "GOOGLE_CLOUD_PROJECT", name), Limit: b.limit}
	at.Env["INSTALLATION_ID"] = fmt.Sprintf("bench-%s-%t", name, embedded)
	s, err := b.empty(ctx, name, embedded, &at)
	if err != nil {
		return at, err
	}
	i, err := install(ctx, at.Env, s, nil)
	if err == nil {
		err = write(ctx, i)
	}
	b.say("%s filled in %v", at.store(), time.Since(begun).Round(time.Second))
	return at, errors.Join(err, s.Close())
}

// closable is a store that was opened here.
type closable interface {
	store.Store
	Close() error
}

func (b *bench) empty(ctx context.Context, name string, embedded bool, at *spec) (closable, error) {
	if embedded {
		at.Path = filepath.Join(b.dir, name+".db")
		return bolt.Open(at.Path, bolt.NoSync)
	}
	return firestore.Open(ctx, name, "", at.Env["FIRESTORE_EMULATOR_HOST"])
}

// inOrder does something for each number below n, some at a time, and stops when
// that has taken too long. It returns how many were done: the first ones.
func inOrder(ctx context.Context, n int, limit time.Duration, do func(ctx context.Context, i int) error) (done int, err error) {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	begun := time.Now()
	for range writers {
		g.Go(func() error {
			for time.Since(begun) < limit && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	return min(n, int(next.Load())), err
}

func with(env map[string]string, name, value string) map[string]string {
	changed := map[string]string{name: value}
	for n, v := range env {
		if n != name {
			changed[n] = v
		}
	}
	return changed
}

// change changes a connection as it is stored.
func change(ctx context.Context, s store.Store, i int, to func(*integration.Connection)) error {
	c, err := s.Connection(ctx, companyID(i), integration.GoogleCalendar)
	if err != nil {
		return err
	}
	to(&c)
	return s.PutConnection(ctx, companyID(i), &c)
}
