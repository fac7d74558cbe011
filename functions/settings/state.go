package settings

import (
	"github.com/citasync/citasync/shared/integration"
)

// tone is how a state looks. It never stands alone: a mark and words say it as
// well.
type tone string

const (
	good    tone = "good"
	waiting tone = "waiting"
	bad     tone = "bad"
	off     tone = "off"
)

// Mark is the tone's sign, for the eye: screen readers hear the words.
func (t tone) Mark() string {
	switch t {
	case good:
		return "✓"
	case waiting:
		return "…"
	case bad:
		return "!"
	case off:
	}
	return "–"
}

// state is how the connection stands: in a word, and what it means.
func (v *visit) state(e entry) (tone, string, string) {
	say := func(key string, args ...any) string { return v.say.T(v.own(e.id, key), args...) }
	switch {
	case e.Status == integration.Disconnecting && e.RemoveEvents:
		return waiting, say("status.disconnecting"), say("explain.removing")
	case e.Status == integration.Disconnecting:
		return waiting, say("status.disconnecting"), say("explain.returning")
	case e.Status == integration.NeedsReauth:
		return bad, v.needed(e), v.andPaused(e, say(v.say.Or("explain."+string(e.Reason), "explain.other")))
	case e.Status == integration.Connected && !e.Entry.Enabled:
		return waiting, say("status.paused"), say("explain.paused", e.Name)
	case e.Status == integration.Connected && !e.BackfillDue.IsZero():
		return good, say("status.connected"), say("explain.connected", e.Name) + " " + say("explain.passes")
	case e.Status == integration.Connected:
		return good, say("status.connected"), say("explain.connected", e.Name)
	case e.missing:
		return off, say("status.disconnected"), say("explain.missing", e.Name)
	}
	explain := say("explain.disconnected", e.Name)
	if e.unremoved() {
		explain = say("explain.left", e.Name, v.why(e.id, string(e.Reason)))
	}
	if !e.Entry.Enabled {
		return waiting, say("status.paused"), v.andPaused(e, explain)
	}
	return off, say("status.disconnected"), explain
}

// needed is, in a word, what only the company can do.
func (v *visit) needed(e entry) string {
	if e.calendarGone() {
		return v.say.T("status.calendar_missing")
	}
	return v.say.T("status.needs_reauth")
}

// andPaused adds to an explanation why there is nothing to press to connect.
func (v *visit) andPaused(e entry, explain string) string {
	if e.Entry.Enabled {
		return explain
	}
	return explain + " " + v.say.T(v.own(e.id, "explain.paused.off"), e.Name)
}

// why puts a class of failure, or why a delivery rests, into words.
func (v *visit) why(id integration.ID, reason string) string {
	return v.say.T(v.own(id, "why."+reason, "why.unknown"))
}

// banner tells, on the pages that don't show the connections themselves, that
// one needs the company.
type banner struct {
	Words string
	Mend  link // empty: it can't be mended now
}

// banners are those of the entries.
func (v *visit) banners(entries []entry) []banner {
	var out []banner
	for _, e := range entries {
		if e.Status != integration.NeedsReauth {
			continue
		}
		b := banner{Words: v.say.T("banner", e.Name, v.why(e.id, string(e.Reason)), v.moment(e.Connection.ChangedAt))}
		if e.Entry.Enabled {
			b.Mend = v.mend(e)
		}
		out = append(out, b)
	}
	return out
}
