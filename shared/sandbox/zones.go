package sandbox

import (
	"fmt"
	"sync"
	"time"

	_ "time/tzdata" // a time zone must mean the same on a machine without zone files
)

// zoneCache spares reading a zone's file for every event.
type zoneCache struct{ zones sync.Map } // name to *time.Location

// load returns the zone of an IANA name.
func (c *zoneCache) load(name string) (*time.Location, error) {
	if z, ok := c.zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	if name == "" || name == "Local" { // of no meaning to anyone else
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	c.zones.Store(name, z)
	return z, nil
}
