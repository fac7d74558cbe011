package sandbox

import (
	"encoding/base64"
	"hash/fnv"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// paging is a listing's page: a place in the whole list, and a size. Its token
// holds good only for a listing with the same parameters.
type paging struct {
	from, size int
	query      uint64
}

func (c *call) paging(size, limit int) (paging, error) {
	p := paging{size: size, query: queryHash(c.query)}
	if v := c.query.Get("maxResults"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return p, invalid("Invalid maxResults value.")
		}
		p.size = min(n, limit)
	}
	token := c.query.Get("pageToken")
	if token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	from, hash, _ := strings.Cut(string(raw), ".")
	n, errFrom := strconv.Atoi(from)
	if err != nil || errFrom != nil || n < 0 || hash != strconv.FormatUint(p.query, 36) {
		return p, invalid("Invalid page token value.")
	}
	p.from = n
	return p, nil
}

func (p paging) token(from int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(from) + "." + strconv.FormatUint(p.query, 36)))
}

// queryHash is the same for the pages of one listing.
func queryHash(q url.Values) uint64 {
	q = maps.Clone(q)
	q.Del("pageToken")
	q.Del("maxResults")
	h := fnv.New64a()
	_, _ = h.Write([]byte(q.Encode())) // a hash never fails to be written to
	return h.Sum64()
}
