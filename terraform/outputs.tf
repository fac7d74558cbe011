output "address" {
  description = "IPv4 address to which the domain's A record must lead."
  value       = google_compute_global_address.public.address
}

output "platform_push" {
  description = "What the booking platform checks in the token of a pushed notice: who sends it, and for whom. Null: nothing is pushed."
  value       = one([for s in google_pubsub_subscription.platform : { aud = s.push_config[0].oidc_token[0].audience, email = s.push_config[0].oidc_token[0].service_account_email }])
}

output "platform_topics" {
  description = "Topics to which a booking platform that uses no webhooks may publish its events."
  value       = { for k, t in google_pubsub_topic.topic : k => t.id if contains(["booking-confirmed", "booking-deleted", "booking-reserved"], k) }
}

output "redirect_uri" {
  description = "Redirect address to enter at the OAuth client."
  value       = "${local.public_url}/oauth/callback"
}

output "secrets" {
  description = "Secrets that the operator gives values to, by the variable that each becomes."
  value       = local.environment_secrets
}

output "webhook_url" {
  description = "Address to which the booking platform sends its events."
  value       = "${local.public_url}/webhooks/bookings"
}

output "whatsapp_webhook_url" {
  description = "Address to enter at Meta for the statuses of messages. Null: WhatsApp is not switched on."
  value       = var.whatsapp == null ? null : "${local.public_url}/webhooks/whatsapp"
}
