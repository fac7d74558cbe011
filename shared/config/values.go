package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// publicURL reads the address of this installation: https, or http on this
// machine, and nothing after the host.
func (r *reader) publicURL(name string) *url.URL {
	return r.parse(name, "must be https://host, or http://localhost with a port, without a path", origin)
}

// origins reads origins, separated by spaces.
func (r *reader) origins(name string) []string {
	var list []string
	for _, s := range strings.Fields(r.getenv(name)) {
		u, err := url.Parse(s)
		if err != nil || !origin(u) {
			r.refuse(name, "must be origins separated by spaces, each https://host or http://localhost with a port, without a path")
			return nil
		}
		list = append(list, u.String())
	}
	return list
}

// origin reports whether a URL is one, and puts it in the form in which
// browsers send origins (RFC 6454): lower case, no default port.
func origin(u *url.URL) bool {
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.Host = strings.ToLower(u.Host)
	if u.Scheme == "https" {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	} else {
		u.Host = strings.TrimSuffix(u.Host, ":80")
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host}
	return secure(u) && u.String() == bare.String()
}

// secure reports whether what goes to a URL can't be read on the way.
func secure(u *url.URL) bool {
	if !validHost(u.Hostname()) || !validPort(u) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && local(u.Hostname())
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// validHost accepts an IP address and a DNS name as it goes over the wire,
// which excludes the comma of a list that should have been one of spaces.
func validHost(host string) bool {
	strange := func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return host != "" && (net.ParseIP(host) != nil || !strings.ContainsFunc(host, strange))
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

// parse reads a URL that ok accepts, and may change.
func (r *reader) parse(name, rule string, ok func(*url.URL) bool) *url.URL {
	s := r.get(name)
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || !ok(u) {
		r.refuse(name, rule)
		return nil
	}
	return u
}

// emulatorURL reads the address of a stand-in, which may be plain http
// anywhere and have a path.
func (r *reader) emulatorURL(name string) *url.URL {
	return r.parse(name, "must be an http or https URL without user, query or fragment", func(u *url.URL) bool {
		u.Path = strings.TrimRight(u.Path, "/")
		plain := u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
		return plain && (u.Scheme == "http" || u.Scheme == "https") && validHost(u.Hostname()) && validPort(u)
	})
}

// companyURL reads a URL with the mark for a company in its path or query.
func (r *reader) companyURL(name string) CompanyURL {
	s := r.get(name)
	if s == "" {
		return ""
	}
	u, err := url.Parse(strings.ReplaceAll(s, companyMark, "0"))
	marked, markErr := url.Parse(s)
	switch {
	case !strings.Contains(s, companyMark):
		r.refuse(name, "must have {company} in the place of the company's id")
	case err != nil || markErr != nil || !secure(u) || u.User != nil || strings.Contains(marked.Host, companyMark):
		r.refuse(name, "must be an https URL, or http on localhost, with {company} in its path or query")
	default:
		return CompanyURL(s)
	}
	return ""
}

// secrets reads secrets, separated by spaces.
func (r *reader) secrets(name string, check func(string) string) []Secret {
	var list []Secret
	fields := strings.Fields(r.getenv(name))
	for i, s := range fields {
		if rule := check(s); rule != "" {
			r.refuse(name, fmt.Sprintf("must be secrets separated by spaces: number %d of %d must be %s", i+1, len(fields), rule))
		}
		list = append(list, NewSecret(s))
	}
	return list
}

// checkWebhookSecret checks the form that Standard Webhooks gives to secrets.
func checkWebhookSecret(s string) (rule string) {
	text, ok := strings.CutPrefix(s, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return "whsec_ and 24 to 64 bytes in base64 (printf whsec_; openssl rand -base64 32)"
	}
	return ""
}

// checkSessionSecret asks for as many bytes as HS256's hash has (RFC 7518,
// section 3.2).
func checkSessionSecret(s string) (rule string) {
	if len(s) < 32 {
		return "at least 32 bytes long (openssl rand -hex 32)"
	}
	return ""
}

func (r *reader) installation(name string) string {
	s := r.get(name)
	if len(s) > 128 || strings.ContainsFunc(s, unicode.IsControl) {
		r.refuse(name, "must be at most 128 bytes long, without control characters")
		return ""
	}
	return s
}

// keyset checks that the keyset is JSON at all: what is in it is Tink's to say.
func (r *reader) keyset(name string) Secret {
	s := r.get(name)
	var members map[string]json.RawMessage
	if s != "" && (json.Unmarshal([]byte(s), &members) != nil || len(members) == 0) {
		r.refuse(name, "must be a Tink keyset in JSON (tinkey create-keyset --key-template AES256_GCM)")
	}
	return NewSecret(s)
}

func (r *reader) smtpURL(name string) Secret {
	u := r.parse(name, "must be smtp://user:password@host:port, or smtps://…", func(u *url.URL) bool {
		return (u.Scheme == "smtp" || u.Scheme == "smtps") && validHost(u.Hostname()) && validPort(u) && strings.Trim(u.Path, "/") == ""
	})
	if u == nil {
		return Secret{}
	}
	return NewSecret(r.get(name))
}

func (r *reader) address(name string) string {
	s := r.get(name)
	if s == "" {
		return ""
	}
	if _, err := mail.ParseAddress(s); err != nil {
		r.refuse(name, "must be an e-mail address, such as Citasync <noreply@example.com>")
		return ""
	}
	return s
}

func (r *reader) hostPort(name string) string {
	s := r.get(name)
	if s == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || host == "" || n == 0 || strings.Contains(host, "/") {
		r.refuse(name, "must be host:port, without a scheme")
		return ""
	}
	return s
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// id reads somebody else's name for a thing, which is put into addresses.
func (r *reader) id(name string) string {
	s := r.get(name)
	if s != "" && !plainID.MatchString(s) {
		r.refuse(name, "must be an id: letters and digits alone")
		return ""
	}
	return s
}
