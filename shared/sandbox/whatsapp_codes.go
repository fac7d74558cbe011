package sandbox

import "net/http"

// WhatsAppErrors lists by code every error that can come of sending a message.
//
// Codes and details are those of Meta's page "Error codes" of the WhatsApp
// Business Platform, edition of September 2026, with its part on the Marketing
// Messages API. Left out is what only comes of creating templates, migrating
// numbers and synchronising; of its range 200–299 the two ends stand for all.
// That edition has neither titles nor HTTP statuses any more. They are those of
// an edition of 2024, the title of 131049 that of the page "Status messages
// webhook reference". A code that is newer has its details for a title, and
// 400. For few codes Meta says which way they come; for the rest it is as users
// of the API report it.
func WhatsAppErrors() []WhatsAppError {
	const (
		badRequest   = http.StatusBadRequest
		unauthorized = http.StatusUnauthorized
		forbidden    = http.StatusForbidden
		notFound     = http.StatusNotFound
		broken       = http.StatusInternalServerError
		unavailable  = http.StatusServiceUnavailable

		noPermission = "Permission is either not granted or has been removed."
		ecosystem    = "This message was not delivered to maintain healthy ecosystem engagement."
		optedOut     = "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business."
		blocked      = "Unable to deliver the message. This business has blocked the end user on WhatsApp"
		marketingOff = "Your template is categorized as Marketing, but marketing templates are currently disabled for your Cloud API configuration."
		misfiled     = "Message failed to send because this account has reached its messaging limit due to template classification violations."
		payments     = "Message failed to send because WhatsApp Payments terms of service acceptance is pending for this WhatsApp Business Account."

		atOnce, later = false, true // later: by webhook
	)
	return []WhatsAppError{
		{0, unauthorized, "AuthException", "We were unable to authenticate the app user.", atOnce},
		{1, badRequest, "API Unknown", "Invalid request or possible server error.", atOnce},
		{2, unavailable, "API Service", "Temporary due to downtime or due to being overloaded.", atOnce},
		{3, broken, "API Method", "Capability or permissions issue.", atOnce},
		{4, badRequest, "API Too Many Calls", "The app has reached its API call rate limit.", atOnce},
		{10, forbidden, "Permission Denied", noPermission, atOnce},
		{33, badRequest, "Parameter value is not valid", "The business phone number has been deleted.", atOnce},
		{100, badRequest, "Invalid parameter", "The request included one or more unsupported or misspelled parameters.", atOnce},
		{190, unauthorized, "Access token has expired", "Your access token has expired.", atOnce},
		{200, forbidden, "API Permission", noPermission, atOnce},
		{299, forbidden, "API Permission", noPermission, atOnce},
		{
			368, forbidden, "Temporarily blocked for policies violations",
			"The WhatsApp Business Account associated with the app has been restricted or disabled for violating a platform policy.", atOnce,
		},
		{80007, badRequest, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit.", atOnce},
		{130403, badRequest, blocked, blocked, later},
		{130429, badRequest, "Rate limit hit", "Cloud API message throughput has been reached.", atOnce},
		{130472, badRequest, "User's number is part of an experiment", "Message was not sent as part of an experiment.", later},
		{
			130497, forbidden, "Business account is restricted from messaging users in this country.",
			"The WhatsApp Business Account is restricted from messaging to users in certain countries.", atOnce,
		},
		{131000, broken, "Something went wrong", "Message failed to send due to an unknown error.", atOnce},
		{131005, forbidden, "Access denied", noPermission, atOnce},
		{131008, badRequest, "Required parameter is missing", "The request is missing a required parameter.", atOnce},
		{131009, badRequest, "Parameter value is not valid", "One or more parameter values are invalid.", atOnce},
		{131016, broken, "Service unavailable", "A service is temporarily unavailable.", atOnce},
		{131021, badRequest, "Recipient cannot be sender", "Sender and recipient phone number is the same.", atOnce},
		{
			131026, badRequest, "Message Undeliverable",
			"Unable to deliver message. Reasons can include: The recipient phone number is not a WhatsApp phone number. " +
				"Recipient has not accepted the new Terms of Service and Privacy Policy. Recipient using an old WhatsApp version.", later,
		},
		{
			131031, forbidden, "Account has been locked",
			"The WhatsApp Business Account associated with the app has been restricted or disabled for violating a platform policy, " +
				"or we were unable to verify data included in the request against data set on the WhatsApp Business Account.", atOnce,
		},
		{
			131037, badRequest, "WhatsApp provided number needs display name approval before message can be sent.",
			"The 555 business phone number used to send the request does not have an approved display name.", atOnce,
		},
		{131042, badRequest, "Business eligibility payment issue", "There was an error related to your payment method.", later},
		{131045, broken, "Incorrect certificate", "Message failed to send due to a phone number registration error.", atOnce},
		{131047, badRequest, "Re-engagement message", "More than 24 hours have passed since the recipient last replied to the sender number.", later},
		{
			131048, badRequest, "Spam rate limit hit",
			"Message failed to send because there are restrictions on how many messages can be sent from this phone number. " +
				"This may be because too many previous messages were blocked or flagged as spam.", atOnce,
		},
		{131049, badRequest, ecosystem, "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.", later},
		{131050, badRequest, optedOut, optedOut, later},
		{131051, badRequest, "Unsupported message type", "Unsupported message type.", atOnce},
		{131052, badRequest, "Media download error", "Unable to download the media sent by the user.", later},
		{131053, badRequest, "Media upload error", "Unable to upload the media used in the message.", later},
		{131055, badRequest, "Method not allowed", "Only marketing template messages are supported", atOnce},
		{
			131056, badRequest, "(Business Account, Consumer Account) pair rate limit hit",
			"Too many messages sent from the sender phone number to the same recipient phone number in a short period of time.", atOnce,
		},
		{131057, broken, "Account in maintenance mode", "Business Account is in maintenance mode", atOnce},
		{131063, badRequest, marketingOff, marketingOff, atOnce},
		{131064, badRequest, misfiled, misfiled, atOnce},
		{
			132000, badRequest, "Number of parameters does not match the expected number of params",
			"The number of variable parameter values included in the request did not match the number of variable parameters defined in the template.", atOnce,
		},
		{
			132001, notFound, "Template name does not exist in the translation",
			"The template does not exist in the specified language or the template has not been approved.", atOnce,
		},
		{132005, badRequest, "Template Hydrated Text Too Long", "Translated text is too long.", atOnce},
		{132007, badRequest, "Template Format Character Policy Violated", "Template content violates a WhatsApp policy.", atOnce},
		{132012, badRequest, "Template Parameter Format Mismatch", "Variable parameter values formatted incorrectly.", atOnce},
		{132015, badRequest, "Template is Paused", "Template is paused due to low quality so it cannot be sent in a template message.", atOnce},
		{
			132016, badRequest, "Template is Disabled",
			"Template has been paused too many times due to low quality and is now permanently disabled.", atOnce,
		},
		{132018, badRequest, "Template validation error", "There's an issue with the parameters in your template.", atOnce},
		{132068, badRequest, "Flow is blocked", "Flow is in blocked state.", atOnce},
		{132069, badRequest, "Flow is throttled", "Flow is in throttled state and 10 messages using this flow were already sent in the last hour.", atOnce},
		{133000, broken, "Incomplete Deregistration", "A previous deregistration attempt failed.", atOnce},
		{133004, unavailable, "Server Temporarily Unavailable", "Server is temporarily unavailable.", atOnce},
		{133005, badRequest, "Two step verification PIN Mismatch", "Two-step verification PIN incorrect.", atOnce},
		{133006, badRequest, "Phone number re-verification needed", "Phone number needs to be verified before registering.", atOnce},
		{133008, badRequest, "Too Many two step verification PIN Guesses", "Too many two-step verification PIN guesses for this phone number.", atOnce},
		{133009, badRequest, "Two step verification PIN Guessed Too Fast", "Two-step verification PIN was entered too quickly.", atOnce},
		{133010, badRequest, "Phone number Not Registered", "Phone number not registered on the WhatsApp Business Platform.", atOnce},
		{
			133015, badRequest, "Please wait a few minutes before attempting to register this phone number",
			"The phone number you are attempting to register was recently deleted, and deletion has not yet completed.", atOnce,
		},
		{
			133016, badRequest, "Account register deregister rate limit exceeded",
			"Registration or Deregistration failed because there were too many attempts for this phone number in a short period of time", atOnce,
		},
		{134011, badRequest, payments, payments, atOnce},
		{134100, badRequest, "Only marketing messages supported", "You're only able to send marketing messages on this API.", atOnce},
		{
			134101, badRequest, "Your template is still syncing",
			"When you send a message from a template, the template syncing process can take up to 10 minutes to complete. " +
				"Wait a few minutes, and then try sending your message again.", atOnce,
		},
		{
			134102, broken, "Template unavailable for use",
			"Please check your eligibility status to ensure you are onboarded or contact Meta's customer support.", atOnce,
		},
		{135000, badRequest, "Generic user error", "Message failed to send because of an unknown error with your request parameters.", atOnce},
	}
}
