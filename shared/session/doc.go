// Package session lets a company in: it opens the links that the booking
// platform signs, knows the browsers that came by one, and authenticates calls
// of the API.
//
// A link's token is a JWT (RFC 7519) signed with HS256:
//
//	iss        anything
//	aud        "citasync"
//	sub        the company's id: a string of 1–128 bytes, or an integer
//	iat, exp   exp after iat, by ten minutes at most; clocks may be 30 seconds apart
//	jti        1–128 bytes; a link is opened once by it
//	name, email, phone, country, locale, time_zone   optional, what the platform knows of the company
//	return_url optional, where the panel leads back to: on an allowed origin
//	connect    optional, "google-calendar": the link leads to a page from which
//	           that is connected, and the browser then to return_url
//
// A header with crit is refused: there is no extension that is understood.
//
// The key is the bytes of a session secret as they stand, so that any JWT
// library can sign. Several secrets may be valid at once; the newest signs.
//
// An optional claim that cannot be used (a return_url on another origin, a
// time zone that does not exist) is left out, and named in [Claims.Ignored]: a
// mistake in it must not keep a company out of its settings.
//
// The browser's session is a token of its own in a cookie, signed with a key
// derived from the same secrets (HKDF, RFC 5869), so that a link never passes
// for a session, nor a session for a link.
package session
