// Package browser tests the panel in a real Chromium, without a window, against
// a real installation: what a person sees, clicks and types, by the words that
// are on the page.
//
// SCREENSHOTS names a folder into which the tests write a picture of every page
// and state that they come by.
package browser
