// Package secret declares where refresh tokens are kept: one secret per
// company, in versions. Backends are its subdirectories; secrettest holds the
// tests that each must pass.
package secret

import (
	"context"

	"github.com/citasync/citasync/shared/booking"
)

// Store keeps one secret per company. A version is never changed, only
// destroyed; its name is opaque and never used again, given that no two values
// are the same.
//
// The order of writing that loses nothing: Add the new version, commit the
// document that names it, then Keep that version. If the commit fails, Destroy
// the new one.
type Store interface {
	// Add stores a new version, which stays readable beside the older ones,
	// and returns its name.
	Add(ctx context.Context, company booking.CompanyID, value []byte) (version string, err error)
	// Access returns fault.ErrNotFound for a version that never was, is
	// destroyed, or whose secret is deleted.
	Access(ctx context.Context, company booking.CompanyID, version string) ([]byte, error)
	// Keep destroys every version but the one named. It is not an error if
	// that leaves none.
	Keep(ctx context.Context, company booking.CompanyID, version string) error
	// Destroy destroys one version; one that is gone already is no error.
	Destroy(ctx context.Context, company booking.CompanyID, version string) error
	// Delete destroys the company's secret whole; none is no error.
	Delete(ctx context.Context, company booking.CompanyID) error
}
