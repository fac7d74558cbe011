// Package converge is the engine: it takes what the platform says about a
// booking and brings every integration of its company to match, whatever
// happens in between.
//
// One rule carries everything: an attempt announces itself in the booking's
// record before it calls anyone, and until its lease ends nobody else calls
// for that delivery. So one writer at a time acts for a booking, the record
// names the one place where its event can be, and whoever comes after a crash
// knows where to look.
//
// An attempt reads the booking with its company's connections, merges the
// event by platform time, asks each integration what it needs, commits the
// announcement, lets the integrations act side by side, and commits what came
// of it. A commit is made on the precondition that the record is unchanged
// since it was read; when it has changed, the attempt reads again, keeps what
// it knows of the deliveries whose lease it holds, and goes on from the merge.
//
// A call whose fate is unknown may still arrive. Its lease is therefore not
// given back but runs out, and nothing else is written under it. Whatever is
// left over is picked up by its NextAttemptAt, which every commit computes
// anew; so a crash at any point costs time and nothing else.
//
// The engine knows nothing of any integration but the interface
// [integration.Integration].
package converge
