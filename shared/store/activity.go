package store

import (
	"time"

	"github.com/citasync/citasync/shared/integration"
)

// The kinds of activity that a connection's life consists of.
const (
	ActConnectStarted = "connect_started" // the company went to give its consent
	ActConnectFailed  = "connect_failed"  // the outcome says why
	ActConnected      = "connected"
	ActReconnected    = "reconnected"
	ActNeedsReauth    = "needs_reauth"    // the outcome is the integration.Reason
	ActCaughtUp       = "caught_up"       // what a change of the connection left behind is there; the detail is how many were added
	ActCalendarChosen = "calendar_chosen" // the detail is its name
	ActOptionsChanged = "options_changed" // what events or messages are like; the detail may name what
	ActTurnedOff      = "turned_off"      // the detail is "keep" or "remove", of the future events
	ActDisconnected   = "disconnected"    // grant and tokens are given back
)

// Who acted.
const (
	ActorCompany  = "company"  // in the panel
	ActorPlatform = "platform" // by the API
	ActorSystem   = "system"
)

// NeedReauth records in the connection that only the company can mend it, and
// returns the activity to be stored with it. A removal under way tells how it
// ended when it does.
func NeedReauth(c *integration.Connection, why integration.Reason, now time.Time, trace string) []Activity {
	c.NeedReauth(why, now)
	if c.Status != integration.NeedsReauth {
		return nil
	}
	return []Activity{{At: now, Kind: ActNeedsReauth, Integration: c.ID, Actor: ActorSystem, Outcome: string(why), Trace: trace}}
}
