package booking

import (
	"bytes"
	"encoding/json"
)

// member is a name with its value as it is written.
type member struct {
	name  string
	value []byte
}

// split returns the members of an object in sound JSON without space around
// it. encoding/json would do, but it takes "ID" for "id", tells of one wrong
// type only, and reading level by level with it checks the inner levels again
// and again, at more than twice the cost of this.
func split(object []byte) []member {
	list := make([]member, 0, 12)
	rest := skipSpace(object[1:])
	for rest[0] != '}' {
		var m member
		var name []byte
		name, rest = cutValue(rest)
		m.name, _ = unquote(name)
		m.value, rest = cutValue(skipSpace(skipSpace(rest)[1:])) // past the colon
		list = append(list, m)
		if rest = skipSpace(rest); rest[0] == ',' {
			rest = skipSpace(rest[1:])
		}
	}
	return list
}

func skipSpace(data []byte) []byte {
	for len(data) > 0 && isSpace(data[0]) {
		data = data[1:]
	}
	return data
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// cutValue cuts the value off that data begins with.
func cutValue(data []byte) (value, rest []byte) {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			i += stringEnd(data[i:])
		case c == '{', c == '[':
			depth++
			continue
		case depth == 0 && (c == ',' || c == '}' || c == ']' || isSpace(c)): // after a number, true, false, null
			return data[:i], data[i:]
		case c == '}', c == ']':
			depth--
		default:
			continue
		}
		if depth == 0 {
			return data[:i+1], data[i+1:]
		}
	}
	return data, nil
}

// stringEnd returns the index of the closing quote of the string that data
// begins with.
func stringEnd(data []byte) int {
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(data) - 1
}

// unquote returns the string that value is; false if it is of another type.
func unquote(value []byte) (string, bool) {
	if value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}
