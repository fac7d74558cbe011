package sandbox

import "fmt"

// CancelledUpdate is what becomes of an update of a cancelled event, which
// Google does not document.
type CancelledUpdate string

// The ways. The zero value is Forbidden, which users of the API report.
const (
	Forbidden CancelledUpdate = "forbidden" // 403 forbidden
	Gone      CancelledUpdate = "gone"      // 410 deleted
	Restored  CancelledUpdate = "restored"  // 200, and the event is back
)

// Behaviour chooses among what Google does at different times or does not
// document. The zero value is the usual.
type Behaviour struct {
	UpdateOfCancelled   CancelledUpdate `json:"update_of_cancelled"`
	CancelledDetails    bool            `json:"cancelled_details"`     // a cancelled event is shown with its content, not only its id and status
	RotateRefreshTokens bool            `json:"rotate_refresh_tokens"` // each refresh ends the refresh token and answers with a new one
	OmitRefreshToken    bool            `json:"omit_refresh_token"`    // no answer has a refresh token
	OmitExpiresIn       bool            `json:"omit_expires_in"`
	OmitIDToken         bool            `json:"omit_id_token"`
	Quota               Quota           `json:"quota"`
}

func (b Behaviour) validate() error {
	switch b.UpdateOfCancelled {
	case "", Forbidden, Gone, Restored:
	default:
		return fmt.Errorf("unknown update_of_cancelled %q", b.UpdateOfCancelled)
	}
	switch b.Quota.Status {
	case 0, 403, 429:
	default:
		return fmt.Errorf("quota status %d is neither 403 nor 429", b.Quota.Status)
	}
	return nil
}

// Behaviour returns the behaviour in force.
func (s *Sandbox) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// SetBehaviour replaces the behaviour. It is not kept across restarts.
func (s *Sandbox) SetBehaviour(b Behaviour) error {
	if err := b.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
	return nil
}
