// Package googleauth holds everything about a company's authorisation at
// Google: asking for it, exchanging the code, keeping the tokens, refreshing
// them, and giving the grant back.
//
//   - [Client] speaks OAuth 2.0 (RFC 6749, PKCE of RFC 7636) and OpenID Connect
//     with Google, as "Using OAuth 2.0 for Web Server Applications" in Google's
//     documentation describes it.
//   - [Source] hands out access tokens: the stored one while it is good for five
//     minutes more, otherwise a new one, which it stores. It is where a dead
//     grant is noticed.
//   - [Grants] connects and disconnects companies.
//   - [Cipher] encrypts what of this is kept in the connection's record.
//
// Refresh tokens live in the secret store alone, access tokens encrypted in the
// connection. No error and no log line of this package holds either, or an
// account's address.
package googleauth
