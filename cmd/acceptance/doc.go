// Package acceptance holds the tests of the whole from outside: what people,
// browsers and platforms do with an installation that runs as a process.
//
//	browser   the panel in a real browser
package acceptance
