//go:build race

package local

// backfillSize is how many bookings TestBackfill has. The race detector makes
// them ten times as slow.
const backfillSize = 1000
