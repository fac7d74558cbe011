package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// projectNumber is that of the sandbox's OAuth client, as Google's errors
// name it.
const projectNumber = "100000000001"

// answer is a whole HTTP answer, made before any of it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return failure(err)
	}
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}, "Cache-Control": {"no-store"}},
		body:   body,
	}
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client has gone: nobody is left to tell
}

// failure is the answer to an operation's error.
func failure(err error) answer {
	var known interface{ answer() answer }
	if errors.As(err, &known) {
		return known.answer()
	}
	return apiErr(http.StatusInternalServerError, "backendError").answer()
}

// apiError is an error as the Calendar API answers it.
type apiError struct {
	Code    int
	Reason  string
	Message string

	domain, location, locationType string
	status                         string // google.rpc.Code; only what Google's front end answers has one
	retryAfter                     time.Duration
}

// Error is the reason with Google's words.
func (e *apiError) Error() string { return e.Reason + ": " + e.Message }

// apiErr returns the API's error of that reason, in the words of Google's
// page "Handle API errors" if it has some.
func apiErr(code int, reason string) *apiError {
	e := &apiError{Code: code, Reason: reason, Message: http.StatusText(code), domain: "global"}
	switch reason {
	case "authError":
		e.Message, e.location, e.locationType, e.status = "Invalid Credentials", "Authorization", "header", "UNAUTHENTICATED"
	case "required":
		e.Message = "Required"
	case "insufficientPermissions":
		e.Message, e.status = "Insufficient Permission", "PERMISSION_DENIED"
	case "accessNotConfigured":
		e.domain, e.status = "usageLimits", "PERMISSION_DENIED"
		e.Message = "Google Calendar API has not been used in project " + projectNumber + " before or it is disabled."
	case "rateLimitExceeded":
		e.domain, e.Message = "usageLimits", "Rate Limit Exceeded"
	case "userRateLimitExceeded":
		e.domain, e.Message = "usageLimits", "User Rate Limit Exceeded"
	case "quotaExceeded":
		e.domain, e.Message = "usageLimits", "Calendar usage limits exceeded."
	case "duplicate":
		e.Message = "The requested identifier already exists."
	case "deleted":
		e.Message = "Resource has been deleted"
	case "notFound":
		e.Message = "Not Found"
	case "timeRangeEmpty":
		e.domain, e.Message = "calendar", "The specified time range is empty."
	case "requiredAccessLevel":
		e.domain, e.Message = "calendar", "You need to have writer access to this calendar."
	case "parseError":
		e.Message = "Parse Error"
	case "backendError":
		e.Message = "Backend Error"
	}
	return e
}

// invalid is a 400 that names what is wrong.
func invalid(message string) *apiError {
	e := apiErr(http.StatusBadRequest, "invalid")
	e.Message = message
	return e
}

type apiErrorBody struct {
	Error apiErrorDetail `json:"error"`
}

type apiErrorDetail struct {
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Errors  []apiErrorItem `json:"errors"`
	Status  string         `json:"status,omitempty"`
}

type apiErrorItem struct {
	Domain       string `json:"domain"`
	Reason       string `json:"reason"`
	Message      string `json:"message"`
	Location     string `json:"location,omitempty"`
	LocationType string `json:"locationType,omitempty"`
}

func (e *apiError) answer() answer {
	item := apiErrorItem{e.domain, e.Reason, e.Message, e.location, e.locationType}
	a := jsonAnswer(e.Code, apiErrorBody{apiErrorDetail{e.Code, e.Message, []apiErrorItem{item}, e.status}})
	if e.Code == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
	}
	setRetryAfter(a.header, e.retryAfter)
	return a
}

// oauthError is an error as Google's token and revocation endpoints answer
// it: RFC 6749, section 5.2.
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`

	retryAfter time.Duration
}

// Error is the code with Google's description.
func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func oauthErr(status int, code, description string) *oauthError {
	return &oauthError{status: status, Code: code, Description: description}
}

func (e *oauthError) answer() answer {
	a := jsonAnswer(e.status, e)
	if e.status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", "Basic")
	}
	setRetryAfter(a.header, e.retryAfter)
	return a
}

func setRetryAfter(h http.Header, d time.Duration) {
	if d > 0 {
		h.Set("Retry-After", strconv.Itoa(int((d+time.Second-1)/time.Second)))
	}
}
