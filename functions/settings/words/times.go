package words

import (
	"strconv"
	"time"
)

// Day writes the date of t where it is: "martes, 1 de diciembre de 2026".
func (s *Speaker) Day(t time.Time) string {
	return s.T("day", s.T("weekday."+strconv.Itoa(int(t.Weekday()))), strconv.Itoa(t.Day()), s.month(t), strconv.Itoa(t.Year()))
}

// Hour writes the time of day of t where it is: "14:02".
func (s *Speaker) Hour(t time.Time) string { return t.Format(s.T("clock")) }

// Span writes from when to when something lasts: the hours alone if it ends
// on the day on which it starts.
func (s *Speaker) Span(start, end time.Time) string {
	if sameDay(start, end) {
		return s.T("span", s.Hour(start), s.Hour(end))
	}
	return s.T("span", s.Hour(start), s.T("moment.year", strconv.Itoa(end.Day()), s.month(end), s.Hour(end)))
}

// Moment writes when t is, where it is, as seen from now: "hoy, 14:02".
func (s *Speaker) Moment(t, now time.Time) string {
	now = now.In(t.Location())
	switch {
	case sameDay(t, now):
		return s.T("moment.today", s.Hour(t))
	case sameDay(t, now.AddDate(0, 0, -1)):
		return s.T("moment.yesterday", s.Hour(t))
	case sameDay(t, now.AddDate(0, 0, 1)):
		return s.T("moment.tomorrow", s.Hour(t))
	case t.Year() == now.Year():
		return s.T("moment.year", strconv.Itoa(t.Day()), s.month(t), s.Hour(t))
	}
	return s.T("moment.full", strconv.Itoa(t.Day()), s.month(t), strconv.Itoa(t.Year()), s.Hour(t))
}

func (s *Speaker) month(t time.Time) string { return s.T("month." + strconv.Itoa(int(t.Month()))) }

func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}
