package booking

import (
	"strings"
	"time"
)

const wallLayout = "2006-01-02T15:04:05" // time.Parse accepts a fraction of the second as well

// clock is a time as it is written: what a clock shows, and perhaps where.
type clock struct {
	wall      time.Time // in UTC, whatever the offset
	offset    int       // seconds east of UTC
	hasOffset bool
}

// parseClock reads an RFC 3339 time, also without seconds, also without an
// offset.
func parseClock(s string) (clock, bool) {
	if len(s) > maxTime {
		return clock{}, false
	}
	var c clock
	s = strings.ToUpper(s) // RFC 3339, section 5.6: "t" and "z" are as good
	if rest, ok := strings.CutSuffix(s, "Z"); ok {
		s, c.hasOffset = rest, true
	} else if i := len(s) - len("+00:00"); i > 0 {
		if c.offset, c.hasOffset = parseOffset(s[i:]); c.hasOffset {
			s = s[:i]
		}
	}
	wall, ok := parseWall(s)
	c.wall = wall
	return c, ok
}

// parseWall reads a local time in the one form of RFC 3339, of which
// time.Parse alone is too tolerant: it takes a digit for an hour and a comma
// for the point.
func parseWall(s string) (time.Time, bool) {
	layout := wallLayout
	switch {
	case len(s) == len("2006-01-02T15:04"):
		layout = "2006-01-02T15:04"
	case len(s) > len(wallLayout) && s[len(wallLayout)] != '.', len(s) < len(wallLayout):
		return time.Time{}, false
	}
	t, err := time.Parse(layout, s)
	return t.Truncate(time.Microsecond), err == nil
}

// instant is the time of a clock with an offset, in UTC.
func (c clock) instant() time.Time {
	return c.wall.Add(-time.Duration(c.offset) * time.Second)
}

// sane reports whether a time can be written with a year of four digits, where
// it is and in UTC, as RFC 3339 and Firestore want it.
func sane(t time.Time) bool {
	for _, year := range []int{t.Year(), t.UTC().Year()} {
		if year < 1970 || year > 9999 {
			return false
		}
	}
	return true
}

// times reads start, end and time_zone.
func (o object) times(b *Booking) {
	start, startOK := o.clock("start")
	end, endOK := o.clock("end")
	name, loc, ok := o.zone()
	if !ok {
		return
	}
	if loc == nil {
		if startOK && !start.hasOffset || endOK && !end.hasOffset {
			o.refuse("time_zone", "is required, unless start and end have an offset")
			return
		}
		name = offsetName(start.offset)
		loc, _ = LoadZone(name) // an offset is always known
	}
	b.TimeZone = name
	b.Start, startOK = o.instant("start", start, startOK, loc)
	b.End, endOK = o.instant("end", end, endOK, loc)
	if startOK && endOK && !b.End.After(b.Start) {
		o.refuse("end", "must be after start")
	}
}

func (o object) clock(name string) (clock, bool) {
	s, ok := o.required(name)
	if !ok {
		return clock{}, false
	}
	c, ok := parseClock(s)
	if !ok {
		o.refuse(name, "must be a local time such as 2026-12-01T10:00:00, or an RFC 3339 time with its offset")
	}
	return c, ok
}

// zone returns the time zone; nil if none is given.
func (o object) zone() (name string, loc *time.Location, ok bool) {
	if _, given := o.value("time_zone"); !given {
		return "", nil, true
	}
	if name, ok = o.string("time_zone"); !ok {
		return "", nil, false
	}
	if seconds, isOffset := parseOffset(name); isOffset {
		name = offsetName(seconds)
	}
	loc, err := LoadZone(name)
	if err != nil {
		o.refuse("time_zone", "must be the name of a time zone in the IANA database, such as America/Bogota")
	}
	return name, loc, err == nil
}

// instant places a clock's time in the booking's location.
func (o object) instant(name string, c clock, ok bool, loc *time.Location) (time.Time, bool) {
	if !ok {
		return time.Time{}, false
	}
	t := c.instant().In(loc)
	if !c.hasOffset {
		if t, ok = atWallClock(c.wall, loc); !ok {
			o.refuse(name, "does not exist that day: clocks in the time zone are put forward over it")
			return time.Time{}, false
		}
	}
	if !sane(t) {
		o.refuse(name, "must lie in the years 1970 to 9999")
		return time.Time{}, false
	}
	return t, true
}
