// Package sandbox is a stateful stand-in for Google's OAuth and Calendar
// services and for Meta's WhatsApp Cloud API. It speaks their protocols, so that
// Google's own client libraries work against it unchanged, and it adds what no
// real service offers: faults on demand, a log of every call, and a small demo
// booking platform to try a whole installation with.
//
// # What it answers
//
// Below one base address, as Google's and Meta's hosts have it:
//
//	GET  /o/oauth2/v2/auth                                  choose an account, tick scopes, allow or deny
//	POST /oauth2/token                                      authorization_code (PKCE), refresh_token
//	POST /oauth2/revoke                                     ends every grant of the user to the client
//	GET  /calendar/v3/users/me/calendarList[/{calendar}]
//	     /calendar/v3/calendars/{calendar}/events[/{event}] insert, get, update, patch, delete, list
//	POST /v{version}/{phone-number-id}/messages             template messages with a text body
//
// and for people and tests:
//
//	GET        /                                   links to all of it
//	GET        /sandbox/calendar                   an account's events, each with a button to delete it by hand
//	GET        /sandbox/account                    an account's grants, with a button to end them
//	GET        /sandbox/requests                   every call; also /sandbox/requests.json, and DELETE to clear
//	GET,POST   /sandbox/faults                     see [Fault]; DELETE clears, also one by /sandbox/faults/{id}
//	GET,PATCH  /sandbox/behaviour                  see [Behaviour]
//	GET        /sandbox/whatsapp                   the phones that were written to
//	GET        /sandbox/whatsapp/phones/{phone}    a phone's conversation, which reads it
//	GET        /sandbox/whatsapp/errors.json       every code that a fault can have: [WhatsAppErrors]
//	GET,PUT    /sandbox/whatsapp/templates.json    see [WhatsAppTemplate]; PUT takes one
//	GET,PUT    /sandbox/whatsapp/behaviour         see [WhatsAppBehaviour]; PUT replaces it all
//	GET,DELETE /sandbox/whatsapp/messages.json     see [WhatsAppMessage]
//	POST       /sandbox/whatsapp/statuses          see [Sandbox.TellWhatsAppStatus]
//	GET,POST   /sandbox/whatsapp/verification      see [Verification]; POST shakes hands now
//	GET        /demo                               the booking platform, if [Options] asks for it
//
// What Google's pages "Handle API errors", "Events: insert", "Using OAuth 2.0
// for Web Server Applications" and "Calendar usage limits" say is followed,
// including what is easily overlooked: ids of deleted events stay burnt, the
// scope "email" comes back under its long name, answered hours are in the
// calendar's zone rather than in the event's, over-long extended properties
// are dropped silently. Where Google documents nothing, such as an update of a
// cancelled event, [Behaviour] chooses.
//
// # WhatsApp
//
// What Meta's pages "Error codes", "Service messages", "Throughput", "Pair rate
// limits", "Webhooks" and "Status messages webhook reference" say is followed,
// again with what is easily overlooked: a number without a plus sign gets the
// sender's country calling code, webhooks are told again unless they are
// answered with exactly 200, and they are signed as they are sent, in ASCII.
// Templates are looked up by name and language, and refused while they are not
// approved. Nobody ever writes to the sender, so that there is no open
// conversation, and nothing but templates can be sent. Limits count what was
// accepted. A version of the API below 20 is refused.
//
// What becomes of a message, and when and how often that is told, is chosen by
// [WhatsAppBehaviour] and faults; a message whose call was answered late or never
// has its statuses all the same.
//
// # In a process, in a test
//
// [Sandbox.Handler] serves over a network. [Sandbox.Transport] is an
// [net/http.RoundTripper] without one, for simulations under testing/synctest:
// it waits on timers only, and a dropped connection is an error there too. The
// statuses of messages are told in the background by the client that [WhatsApp]
// names: [Sandbox.Wait] waits for them, and [Sandbox.Close] ends them.
//
// State is kept in memory, and in one file if [Options] names a directory.
// Nothing here is secure: it must listen on a loopback address only.
package sandbox
