package googleauth

// Result is how an authorisation ended, as the panel is told it in the
// address: /settings?result=connected.
type Result string

// The results.
const (
	ResultConnected      Result = "connected"
	ResultReconnected    Result = "reconnected"
	ResultDenied         Result = "denied"           // the account said no
	ResultScopeMissing   Result = "scope_missing"    // the box for the calendar was not ticked
	ResultNoRefreshToken Result = "no_refresh_token" // Google gave a grant that cannot last
	ResultOtherAccount   Result = "other_account"    // not the account that is connected
	ResultExpired        Result = "expired"          // this attempt cannot be finished: begin again
	ResultBusy           Result = "busy"             // being turned off just now
	ResultPaused         Result = "paused"           // switched off for everyone
	ResultOtherCompany   Result = "other_company"    // the browser has another company open than the page it was asked on
	ResultFailed         Result = "failed"           // our fault, or Google's: try again later
)

// ParseResult reads a result; an unknown one is empty.
func ParseResult(s string) Result {
	switch r := Result(s); r {
	case ResultConnected, ResultReconnected, ResultDenied, ResultScopeMissing, ResultNoRefreshToken,
		ResultOtherAccount, ResultExpired, ResultBusy, ResultPaused, ResultOtherCompany, ResultFailed:
		return r
	}
	return ""
}

// Connected reports whether the company is connected now.
func (r Result) Connected() bool { return r == ResultConnected || r == ResultReconnected }
