//go:build !race

package local

// backfillSize is how many bookings TestBackfill has.
const backfillSize = 5000
