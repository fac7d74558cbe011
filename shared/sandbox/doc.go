// Package sandbox is a stateful stand-in for Google's OAuth and Calendar
// services. It speaks their protocol, so that Google's own client libraries
// work against it unchanged, and it adds what no real service offers: faults on
// demand, a log of every call, and a small demo booking platform to try a whole
// installation with.
//
// # What it answers
//
// Below one base address, as Google's hosts have it:
//
//	GET  /o/oauth2/v2/auth                                  choose an account, tick scopes, allow or deny
//	POST /oauth2/token                                      authorization_code (PKCE), refresh_token
//	POST /oauth2/revoke                                     ends every grant of the user to the client
//	GET  /calendar/v3/users/me/calendarList[/{calendar}]
//	     /calendar/v3/calendars/{calendar}/events[/{event}] insert, get, update, patch, delete, list
//
// and for people and tests:
//
//	GET        /                        links to all of it
//	GET        /sandbox/calendar        an account's events, each with a button to delete it by hand
//	GET        /sandbox/account         an account's grants, with a button to end them
//	GET        /sandbox/requests        every call; also /sandbox/requests.json, and DELETE to clear
//	GET,POST   /sandbox/faults          see [Fault]; DELETE clears, also one by /sandbox/faults/{id}
//	GET,PATCH  /sandbox/behaviour       see [Behaviour]
//	GET        /demo                    the booking platform, if [Options] asks for it
//
// What Google's pages "Handle API errors", "Events: insert", "Using OAuth 2.0
// for Web Server Applications" and "Calendar usage limits" say is followed,
// including what is easily overlooked: ids of deleted events stay burnt, the
// scope "email" comes back under its long name, answered hours are in the
// calendar's zone rather than in the event's, over-long extended properties
// are dropped silently. Where Google documents nothing, such as an update of a
// cancelled event, [Behaviour] chooses.
//
// # In a process, in a test
//
// [Sandbox.Handler] serves over a network. [Sandbox.Transport] is an
// [net/http.RoundTripper] without one, for simulations under testing/synctest:
// it waits on timers only, and a dropped connection is an error there too.
//
// State is kept in memory, and in one file if [Options] names a directory.
// Nothing here is secure: it must listen on a loopback address only.
package sandbox
