package secretmanager

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const (
	defaultPageSize = 100    // of a request that names none: the server decides
	maxPageSize     = 25_000 // as documented
)

// listRequest is what the requests of lists have in common.
type listRequest interface {
	GetPageSize() int32
	GetPageToken() string
	GetFilter() string
}

// cut returns the page that a request asks for of what it found, which is in
// descending order, and the token of the next page. A token says after which
// item the next page begins and works with the same parent and filter only, so
// that what changes between two pages neither repeats an item nor skips one.
func cut[T any](found []T, order func(T) int64, req listRequest, parent string) (page []T, next string, err error) {
	size := int(req.GetPageSize())
	switch {
	case size < 0:
		return nil, "", invalid("the page size is below zero")
	case size == 0:
		size = defaultPageSize
	}
	size = min(size, maxPageSize)
	query := parent + "\n" + req.GetFilter()
	if req.GetPageToken() != "" {
		last, err := parseToken(req.GetPageToken(), query)
		if err != nil {
			return nil, "", err
		}
		for len(found) > 0 && order(found[0]) >= last {
			found = found[1:]
		}
	}
	if len(found) <= size {
		return found, "", nil
	}
	page = found[:size]
	return page, token(order(page[size-1]), query), nil
}

// total is how many there are, which a filtered list does not tell.
func total(filter string, n int) int32 {
	if filter != "" {
		return 0
	}
	return int32(n) //nolint:gosec // as many as memory holds
}

func token(last int64, query string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d\n%s", last, query))
}

func parseToken(token, query string) (last int64, err error) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, invalid("the page token is malformed")
	}
	number, rest, _ := strings.Cut(string(data), "\n")
	if rest != query {
		return 0, invalid("the page token is of another list")
	}
	if last, err = strconv.ParseInt(number, 10, 64); err != nil {
		return 0, invalid("the page token is malformed")
	}
	return last, nil
}
