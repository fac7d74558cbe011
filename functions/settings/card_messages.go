package settings

import (
	"slices"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// messagesCard completes the card of the notices to customers.
func (v *visit) messagesCard(c *card, e entry, b *backlog) {
	switch {
	case e.Status == integration.Connected:
		c.Facts = v.messageFacts(e, b)
		if len(b.refused) > 0 {
			c.Lists = append(c.Lists, v.unheardOf(e, b))
		}
		c.Disable = link{v.to(actionPath(e.id, "disable")), v.say.T("card.disable", e.Name)}
		if !e.Entry.Enabled {
			return
		}
		if v.phoneless(e) {
			c.Note = v.say.T("test.phoneless")
			return
		}
		c.Test, c.Note = v.button(e, "test", "card.test"), v.say.T("card.test.to", v.company.Phone)
	case e.Entry.Enabled:
		c.Enable = v.button(e, "enable", "card.enable")
		c.Enable.Primary = true
	}
}

// messageFacts are what there is to know of the notices to customers.
func (v *visit) messageFacts(e entry, b *backlog) []fact {
	last := v.say.T("card.sent.none")
	if !b.last.IsZero() {
		last = v.moment(b.last)
	}
	return []fact{
		{
			Name: v.say.T("card.notices"), Values: v.chosenNotices(e),
			Links: []link{{v.to(actionPath(e.id, "options")), v.say.T("card.notices.change")}},
		},
		{Name: v.say.T("card.language"), Values: []string{v.languageOf(v.spoken(e))}},
		{Name: v.say.T("card.sent"), Values: []string{last}},
		v.backlogFact(e, b),
	}
}

// chosenNotices names those that are sent.
func (v *visit) chosenNotices(e entry) []string {
	var names []string
	for _, kind := range e.wanted() {
		names = append(names, v.say.T("messages."+string(kind)))
	}
	return names
}

// wanted are the notices that the company has sent, or would have if it turned
// them on.
func (e entry) wanted() []booking.Kind {
	return slices.DeleteFunc(slices.Clone(e.notices), e.Options.Mute.Of)
}

// spoken is the language of messages: the one that was chosen or else the
// company's own, or the first if the templates have it not.
func (v *visit) spoken(e entry) string {
	lang := e.Options.Language
	if lang == "" {
		lang = v.company.Locale
	}
	if len(e.languages) > 0 && !slices.Contains(e.languages, lang) {
		return e.languages[0]
	}
	return lang
}

// unheardOf lists the bookings whose message failed for good, each with the
// reason.
func (v *visit) unheardOf(e entry, b *backlog) list {
	return v.list("card.unheard", b.refused, maxRefused, func(rec *store.Booking) item {
		d := rec.Deliveries[e.id]
		return item{link{bookingURL(rec.Booking.ID), v.brief(rec)}, v.failure(e.id, string(d.Reason), d.Detail)}
	})
}
