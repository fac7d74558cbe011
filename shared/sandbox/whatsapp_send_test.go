package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSend(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	status, answer, err := w.graph(t.Context(), messagesPath, DefaultWhatsAppToken, message(map[string]any{
		"to": "+57 (300) 111-2233", "biz_opaque_callback_data": "2/981/1",
	}))
	if err != nil {
		t.Fatal(err)
	}
	messages := w.s.WhatsAppMessages()
	if len(messages) != 1 || status != http.StatusOK {
		t.Fatalf("%d %s, %d messages", status, answer, len(messages))
	}
	id := messages[0].ID
	want := `{"messaging_product":"whatsapp","contacts":[{"input":"+57 (300) 111-2233","wa_id":"573001112233"}],` +
		`"messages":[{"id":"` + id + `","message_status":"accepted"}]}`
	if string(answer) != want || !strings.HasPrefix(id, "wamid.") {
		t.Errorf("got %s, want %s", answer, want)
	}
	at := c.now()
	kept := WhatsAppMessage{
		ID: id, Recipient: "573001112233", Template: "booking_reserved", Language: "es", Category: "utility", CallbackData: "2/981/1",
		Accepted: at, Version: "v23.0",
		Text: "Hola, Ana: Peluquería Sol ha recibido tu reserva.\n\nServicio: Corte\nFecha: martes, 1 de diciembre\nHora: 10:00\n\n" +
			"Te avisaremos en cuanto esté confirmada. ¡Gracias!",
		Statuses: []WhatsAppStatus{
			{ID: 1, Status: Sent, At: at.Add(500 * time.Millisecond), Due: at.Add(500 * time.Millisecond)},
			{ID: 2, Status: Delivered, At: at.Add(2 * time.Second), Due: at.Add(2 * time.Second)},
		},
	}
	if diff := cmp.Diff(kept, messages[0]); diff != "" {
		t.Error(diff)
	}
	entry := Request{
		Time: at, Operation: OpWhatsAppSend, Recipient: "+57 (300) 111-2233", Template: "booking_reserved", Language: "es", Status: http.StatusOK,
	}
	if diff := cmp.Diff([]Request{entry}, w.s.Requests()); diff != "" {
		t.Error(diff)
	}
	if other := w.mustSend(nil); other == id {
		t.Error("two messages have one id")
	}
}

// filledIn is the template of a message, with these values for its variables.
func filledIn(name, language string, params ...string) map[string]any {
	list := []any{}
	for _, p := range params {
		list = append(list, map[string]any{"type": "text", "text": p})
	}
	return map[string]any{
		"name": name, "language": map[string]any{"code": language}, "components": []any{map[string]any{"type": "body", "parameters": list}},
	}
}

func TestSendRefused(t *testing.T) {
	w := local(t, Options{})
	set := func(name string, status TemplateStatus, body string) {
		if err := w.s.SetWhatsAppTemplate(WhatsAppTemplate{Name: name, Language: "es", Status: status, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	set("paused", TemplatePaused, "Hola.")
	set("disabled", TemplateDisabled, "Hola.")
	set("pending", TemplatePending, "Hola.")
	set("rejected", TemplateRejected, "Hola.")
	set("named", TemplateApproved, "Hola, {{name}}.")
	reserved := func(first string) map[string]any {
		return filledIn("booking_reserved", "es", first, "b", "c", "d", "e")
	}
	header := map[string]any{"name": "paused", "language": map[string]any{"code": "es"}}
	for name, tt := range map[string]struct {
		change  map[string]any
		code    int
		details string // empty: the table's
	}{
		"no product":             {map[string]any{"messaging_product": nil}, 100, "The parameter messaging_product is required."},
		"another product":        {map[string]any{"messaging_product": "messenger"}, 100, "The parameter messaging_product is required."},
		"no recipient":           {map[string]any{"to": nil}, 100, "The parameter to is required."},
		"a group":                {map[string]any{"recipient_type": "group"}, 100, "The sandbox sends to individual recipients only."},
		"long callback data":     {map[string]any{"biz_opaque_callback_data": strings.Repeat("ñ", 513)}, 100, "Param biz_opaque_callback_data must be at most 512 characters long."},
		"misspelt field":         {map[string]any{"biz_opaque_data": "x"}, 100, `json: unknown field "biz_opaque_data"`},
		"text":                   {map[string]any{"type": "text"}, 131051, ""},
		"no type":                {map[string]any{"type": nil}, 131051, ""},
		"no template":            {map[string]any{"template": nil}, 131008, "A template needs a name and a language code."},
		"no language":            {map[string]any{"template": filledIn("booking_reserved", "")}, 131008, "A template needs a name and a language code."},
		"letters":                {map[string]any{"to": "+57300ana"}, 131009, "The phone number is malformed: Please use the format: +1234567890."},
		"too short":              {map[string]any{"to": "+57300"}, 131009, "The phone number is malformed: Please use the format: +1234567890."},
		"too long":               {map[string]any{"to": "+5730011122334455"}, 131009, "The phone number is malformed: Please use the format: +1234567890."},
		"the sender":             {map[string]any{"to": "+" + businessPhone}, 131021, ""},
		"unknown template":       {map[string]any{"template": filledIn("booking_moved", "es")}, 132001, "template name (booking_moved) does not exist in es"},
		"unknown language":       {map[string]any{"template": filledIn("booking_reserved", "es_ES")}, 132001, "template name (booking_reserved) does not exist in es_ES"},
		"not approved yet":       {map[string]any{"template": filledIn("pending", "es")}, 132001, "template name (pending) does not exist in es"},
		"rejected":               {map[string]any{"template": filledIn("rejected", "es")}, 132001, "template name (rejected) does not exist in es"},
		"paused":                 {map[string]any{"template": header}, 132015, ""},
		"disabled":               {map[string]any{"template": filledIn("disabled", "es")}, 132016, ""},
		"too few parameters":     {map[string]any{"template": filledIn("booking_reserved", "es", "a")}, 132000, "body: number of localizable_params (1) does not match the expected number of params (5)"},
		"named, without a name":  {map[string]any{"template": filledIn("named", "es", "Ana")}, 132012, "body: parameter name is missing"},
		"an empty parameter":     {map[string]any{"template": reserved("")}, 131008, "Parameter of type text is missing text value"},
		"a new line":             {map[string]any{"template": reserved("a\nb")}, 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"},
		"a tab":                  {map[string]any{"template": reserved("a\tb")}, 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"},
		"five spaces":            {map[string]any{"template": reserved("a     b")}, 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"},
		"a text that's too long": {map[string]any{"template": reserved(strings.Repeat("a", 1000))}, 132005, ""},
	} {
		t.Run(name, func(t *testing.T) {
			known, ok := whatsAppError(tt.code)
			if !ok {
				t.Fatalf("no code %d", tt.code)
			}
			_, err := w.send(t.Context(), message(tt.change))
			e := wantGraphError(t, err, tt.code, known.Status)
			if want := orDefault(tt.details, known.Details); e.Data == nil || e.Data.Details != want || e.Data.Product != "whatsapp" || e.Type != "OAuthException" {
				t.Errorf("got %+v with %+v, want %s", e, e.Data, want)
			}
		})
	}
	if n := len(w.s.WhatsAppMessages()); n != 0 {
		t.Errorf("%d messages were accepted", n)
	}
}

func TestSendAccepted(t *testing.T) {
	w := local(t, Options{})
	if err := w.s.SetWhatsAppTemplate(WhatsAppTemplate{Name: "named", Language: "en_US", Status: TemplateApproved, Body: "Hi {{ name }}, it's {{name}}."}); err != nil {
		t.Fatal(err)
	}
	named := filledIn("named", "en_US", "Ana")
	named["components"].([]any)[0].(map[string]any)["parameters"].([]any)[0].(map[string]any)["parameter_name"] = "name"
	plain := map[string]any{"name": "plain", "language": map[string]any{"code": "es", "policy": "deterministic"}}
	if err := w.s.SetWhatsAppTemplate(WhatsAppTemplate{Name: "plain", Language: "es", Status: TemplateApproved, Body: "Hola."}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change          map[string]any
		recipient, text string
	}{
		"no recipient type":    {map[string]any{"recipient_type": nil}, "573001112233", "Hola, Ana"},
		"no plus sign":         {map[string]any{"to": "573001112233"}, "1573001112233", "Hola, Ana"},
		"four spaces":          {map[string]any{"template": filledIn("booking_deleted", "es", "a    b", "b", "c", "d", "e")}, "573001112233", "Hola, a    b: tu reserva en b ha quedado cancelada"},
		"512 characters":       {map[string]any{"biz_opaque_callback_data": strings.Repeat("ñ", 512)}, "573001112233", "Hola, Ana"},
		"a value like {{2}}":   {map[string]any{"template": filledIn("booking_confirmed", "en", "{{2}}", "b", "c", "d", "e")}, "573001112233", "Hello {{2}}, your booking at b is confirmed."},
		"a name for a value":   {map[string]any{"template": named}, "573001112233", "Hi Ana, it's Ana."},
		"nothing to fill in":   {map[string]any{"template": plain}, "573001112233", "Hola."},
		"another country code": {map[string]any{"to": otherPhone}, "34600000011", "Hola, Ana"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := w.s.ClearWhatsAppMessages(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.send(t.Context(), message(tt.change)); err != nil {
				t.Fatal(err)
			}
			if m := w.s.WhatsAppMessages()[0]; m.Recipient != tt.recipient || !strings.HasPrefix(m.Text, tt.text) {
				t.Errorf("got %s to %s", m.Text, m.Recipient)
			}
		})
	}
}

// TestGraphAccess: who may call, and what.
func TestGraphAccess(t *testing.T) {
	w := local(t, Options{WhatsApp: WhatsApp{Token: "t", PhoneNumberID: "7"}})
	for name, tt := range map[string]struct {
		path, token          string
		status, code, subset int
	}{
		"fine":            {"/v20.0/7/messages", "t", 200, 0, 0},
		"a later version": {"/v100.3/7/messages", "t", 200, 0, 0},
		"too old":         {"/v19.0/7/messages", "t", 400, 100, 0},
		"another token":   {"/v23.0/7/messages", DefaultWhatsAppToken, 401, 190, 0},
		"no token":        {"/v23.0/7/messages", "", 401, 190, 0},
		"another sender":  {"/v23.0/8/messages", "t", 400, 100, 33},
		"another path":    {"/v23.0/7/media", "t", 400, 100, 33},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer, err := w.graph(t.Context(), tt.path, tt.token, message(nil))
			if err != nil {
				t.Fatal(err)
			}
			var e graphErrorBody
			if err := json.Unmarshal(answer, &e); err != nil {
				t.Fatal(err)
			}
			if status != tt.status || e.Error.Code != tt.code || e.Error.Subcode != tt.subset {
				t.Errorf("got %d %s", status, answer)
			}
		})
	}
	if got := len(w.s.Requests()); got != 7 {
		t.Errorf("%d requests are in the log", got)
	}
	if _, err := New(Options{WhatsApp: WhatsApp{CallbackURL: "nowhere"}}); err == nil {
		t.Error("a callback address that is none was taken")
	}
}

// FuzzSend: whatever is asked, the answer is the Graph API's, and nothing is
// accepted that can't be shown.
func FuzzSend(f *testing.F) {
	for _, change := range []map[string]any{nil, {"to": "x"}, {"template": filledIn("booking_deleted", "en", "a")}, {"type": 7}} {
		b, err := json.Marshal(message(change))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := local(t, Options{})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+messagesPath, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+DefaultWhatsAppToken)
		status, _, answer := w.do(req)
		var e graphErrorBody
		if err := json.Unmarshal([]byte(answer), &e); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		messages := w.s.WhatsAppMessages()
		if (status == http.StatusOK) != (len(messages) == 1) || status != http.StatusOK && e.Error.Message == "" {
			t.Fatalf("%d %s, %d messages", status, answer, len(messages))
		}
		for _, m := range messages {
			if _, page := w.get("/sandbox/whatsapp/phones/" + m.Recipient); !strings.Contains(page, `class="chat"`) {
				t.Errorf("not shown: %s", page)
			}
		}
	})
}
