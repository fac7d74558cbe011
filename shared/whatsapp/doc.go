// Package whatsapp sends a company's customers a notice of what became of
// their booking, by WhatsApp's Cloud API, and takes in what the API tells of it
// afterwards.
//
// [Sender] is an [integration.Integration]. A message that was sent can't be
// sent again without harm, looked for or taken back, and the API has no
// idempotency key. So each send is announced in the booking's delivery before
// it begins, and one whose answer was lost is repeated once at most, when the
// announcing attempt's lease has ended and no receipt has proved it. Every
// message carries the name of its booking, which the API's receipts bring back:
// [Receipts] reads them, and [Take] lays them into the delivery.
//
// There is one notice for each kind of news: reserved, confirmed, deleted. The
// newest state wins: an older one that was not sent by then is not sent any
// more. A change is told only if the appointment's beginning changed. Nothing
// is told of what was there before the company switched the notices on, of an
// appointment that has begun, or of what happened more than a day ago.
//
// The vendor's pages are "Cloud API: Messages", "Message templates", "Webhooks:
// messages, statuses" and "Cloud API: Error codes" of the WhatsApp Business
// Platform.
package whatsapp
