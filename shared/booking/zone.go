package booking

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// zones holds the locations loaded so far. Loading one reads and parses a
// file, tens of microseconds that each event would pay several times. Only
// names that exist get in, so it is bounded.
var zones sync.Map //nolint:gochecknoglobals // a cache of constants: what a name means never changes in a process

var errZone = errors.New("not the name of a time zone")

// LoadZone returns the location of a booking's time zone: an IANA name such as
// "America/Bogota", or a UTC offset such as "-05:00" (RFC 9557). Names that
// mean something else on another machine ("Local", "localtime", the empty one)
// are unknown. A zone's location is the same pointer each time, so times in it
// may be compared whole.
//
// A store that keeps instants restores a booking's wall clock with it:
//
//	b.Start = b.Start.In(loc)
func LoadZone(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := loadZone(name)
	if err != nil {
		return nil, err
	}
	first, _ := zones.LoadOrStore(strings.Clone(name), loc)
	return first.(*time.Location), nil
}

func loadZone(name string) (*time.Location, error) {
	if seconds, ok := parseOffset(name); ok {
		return time.FixedZone(name, seconds), nil
	}
	if !portable(name) {
		return nil, errZone
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errZone, err)
	}
	return loc, nil
}

// portable reports whether a name can be one of the IANA database's own: not a
// machine's, and not of the directories of variants that some systems have
// beside it ("right" counts leap seconds).
func portable(name string) bool {
	switch name {
	case "", "Local", "localtime", "posixrules", "Factory":
		return false
	}
	return !strings.HasPrefix(name, "posix/") && !strings.HasPrefix(name, "right/")
}

// parseOffset reads a UTC offset, "+05:30" for example, in seconds east of UTC.
func parseOffset(s string) (seconds int, ok bool) {
	if len(s) != len("+00:00") || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, err1 := strconv.ParseUint(s[1:3], 10, 8)
	minutes, err2 := strconv.ParseUint(s[4:], 10, 8)
	if err1 != nil || err2 != nil || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds = int(hours)*3600 + int(minutes)*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// offsetName is the zone of a time that came with nothing but an offset.
func offsetName(seconds int) string {
	if seconds == 0 {
		return "UTC"
	}
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d:%02d", sign, seconds/3600, seconds/60%60)
}

// atWallClock returns the instant at which clocks in loc show what wall shows
// in UTC. It is false if they never do, because they are put forward over it.
// If they show it twice, because they are put back, the earlier instant is
// meant: an appointment an hour too early in the calendar is noticed, one an
// hour too late is missed.
//
// The instant lies within 15 hours of the same reading in UTC, and in no zone
// clocks have been changed twice within such a time since 1970. So its offset
// is the one before or the one after. (Time.ZoneBounds would not do: it ends a
// leap year a day early.)
func atWallClock(wall time.Time, loc *time.Location) (time.Time, bool) {
	for _, near := range [...]time.Time{wall.Add(-15 * time.Hour), wall.Add(15 * time.Hour)} {
		_, offset := near.In(loc).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if _, actual := t.Zone(); actual == offset {
			return t, true
		}
	}
	return time.Time{}, false
}

// StartOfDay returns the first instant of a day in loc. The day is given as its
// midnight in UTC. Where clocks are put forward over midnight, or over a whole
// day, it is the instant at which they are.
func StartOfDay(day time.Time, loc *time.Location) time.Time {
	if t, ok := atWallClock(day, loc); ok {
		return t
	}
	before := day.Add(-15 * time.Hour).In(loc)
	_, offset := before.Zone()
	past := sort.Search(30*60*60, func(seconds int) bool {
		_, later := before.Add(time.Duration(seconds) * time.Second).Zone()
		return later != offset
	})
	return before.Add(time.Duration(past) * time.Second)
}
