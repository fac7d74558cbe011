package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// sendRequest is the body of a call that sends a template message.
type sendRequest struct {
	Product       string        `json:"messaging_product"`
	RecipientType string        `json:"recipient_type"`
	To            string        `json:"to"`
	Type          string        `json:"type"`
	Template      *sendTemplate `json:"template"`
	CallbackData  string        `json:"biz_opaque_callback_data"`
}

type sendTemplate struct {
	Name     string `json:"name"`
	Language struct {
		Code   string `json:"code"`
		Policy string `json:"policy"` // "deterministic"; of older versions
	} `json:"language"`
	Components []sendComponent `json:"components"`
}

type sendComponent struct {
	Type       string          `json:"type"`
	Parameters []sendParameter `json:"parameters"`
}

type sendParameter struct {
	Type string `json:"type"`
	Text string `json:"text"`
	Name string `json:"parameter_name"`
}

func (r *sendRequest) template() sendTemplate {
	if r.Template == nil {
		return sendTemplate{}
	}
	return *r.Template
}

// maxCallbackData is counted in characters.
const maxCallbackData = 512

func (r *sendRequest) validate() error {
	t := r.template()
	switch {
	case r.Product != "whatsapp":
		return graphErr(100, "The parameter messaging_product is required.")
	case r.To == "":
		return graphErr(100, "The parameter to is required.")
	case r.RecipientType != "" && r.RecipientType != "individual":
		return graphErr(100, "The sandbox sends to individual recipients only.")
	case utf8.RuneCountInString(r.CallbackData) > maxCallbackData:
		return graphErr(100, "Param biz_opaque_callback_data must be at most 512 characters long.")
	case r.Type != "template": // anything else needs a conversation that the customer began
		return graphErr(131051, "")
	case t.Name == "" || t.Language.Code == "":
		return graphErr(131008, "A template needs a name and a language code.")
	}
	return nil
}

type sendAnswer struct {
	Product  string        `json:"messaging_product"`
	Contacts []sendContact `json:"contacts"`
	Messages []sendMessage `json:"messages"`
}

type sendContact struct {
	Input string `json:"input"`
	WaID  string `json:"wa_id"`
}

type sendMessage struct {
	ID     string        `json:"id"`
	Status MessageStatus `json:"message_status"`
}

// send accepts a message, or refuses it as "Error codes" and "Messages" of
// Meta's documentation have it.
func (w *whatsapp) send(c *call) (any, error) {
	if c.sender != w.PhoneNumberID {
		return nil, unsupportedObject(c.sender)
	}
	m, err := w.compose(c)
	if err != nil {
		return nil, err
	}
	behaviour := w.sandbox.WhatsAppBehaviour()
	if err := w.limits.take(m.Recipient, m.Accepted, behaviour); err != nil {
		return nil, err
	}
	plan := behaviour.statuses()
	if f := c.fault; f != nil && f.Action == FailStatus {
		e, _ := f.whatsAppError() // it has one, or it would not have been added
		plan = []PlannedStatus{{Status: Failed, Code: e.Code, Late: f.Late}}
	}
	if err := w.accept(m, plan); err != nil {
		return nil, graphErr(131000, "The sandbox could not keep the message.")
	}
	return sendAnswer{
		Product:  "whatsapp",
		Contacts: []sendContact{{c.recipient, m.Recipient}},
		Messages: []sendMessage{{m.ID, Accepted}},
	}, nil
}

// compose makes the message that is asked for.
func (w *whatsapp) compose(c *call) (WhatsAppMessage, error) {
	r, err := readSendRequest(c.body)
	if err != nil {
		return WhatsAppMessage{}, err
	}
	recipient, err := waID(r.To)
	if err != nil {
		return WhatsAppMessage{}, err
	}
	m := WhatsAppMessage{
		ID: messageID(recipient), Recipient: recipient, Template: r.Template.Name, Language: r.Template.Language.Code,
		CallbackData: r.CallbackData, Accepted: w.sandbox.now(), Version: c.version,
	}
	err = w.sandbox.read(func(st *state) error {
		t, err := st.template(m.Template, m.Language)
		if err == nil {
			m.Category = strings.ToLower(t.Category)
			m.Text, err = t.render(r.Template.Components)
		}
		return err
	})
	return m, err
}

// readSendRequest refuses fields that Meta does not document: a misspelt one is
// "unsupported or misspelled" there too.
func readSendRequest(body []byte) (*sendRequest, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	r := new(sendRequest)
	if err := d.Decode(r); err != nil {
		return nil, graphErr(100, err.Error())
	}
	return r, r.validate()
}

var phoneNumber = regexp.MustCompile(`^\+?[0-9 ()-]+$`)

// waID is the WhatsApp id that belongs to a phone number. To one without a plus
// sign Meta prepends the sender's country calling code, whatever it begins with.
func waID(to string) (string, error) {
	id := digits(to)
	if !strings.HasPrefix(to, "+") {
		id = businessCallingCode + id
	}
	if !phoneNumber.MatchString(to) || len(id) < 7 || len(id) > 15 {
		return "", graphErr(131009, "The phone number is malformed: Please use the format: +1234567890.")
	}
	if id == businessPhone {
		return "", graphErr(131021, "")
	}
	return id, nil
}

// messageID returns an id as Meta makes them: the recipient and a random number
// are in it.
func messageID(recipient string) string {
	random := make([]byte, 9)
	_, _ = rand.Read(random)                                            // never fails: it would crash the program
	b := append([]byte{0x1c, 0x18, byte(len(recipient))}, recipient...) //nolint:gosec // 15 at most
	b = append(b, 0x15, 0x02, 0x00, 0x11, 0x18, 0x12)
	b = append(b, strings.ToUpper(hex.EncodeToString(random))...)
	return "wamid." + base64.StdEncoding.EncodeToString(append(b, 0))
}
