# A stand-in for Google: what the configuration computes with, and names of
# whose form the provider makes sure.

mock_data "google_project" {
  defaults = { number = "123456789012" }
}

override_resource {
  target = google_service_account.pusher["booking-confirmed"]
  values = { name = "projects/salon-bookings/serviceAccounts/push-onconfirm@salon-bookings.iam.gserviceaccount.com" }
}

override_resource {
  target = google_service_account.pusher["booking-deleted"]
  values = { name = "projects/salon-bookings/serviceAccounts/push-ondelete@salon-bookings.iam.gserviceaccount.com" }
}

override_resource {
  target = google_service_account.pusher["booking-reserved"]
  values = { name = "projects/salon-bookings/serviceAccounts/push-onreserve@salon-bookings.iam.gserviceaccount.com" }
}

override_resource {
  target = google_service_account.pusher["maintenance"]
  values = { name = "projects/salon-bookings/serviceAccounts/push-maintain@salon-bookings.iam.gserviceaccount.com" }
}

override_resource {
  target = google_service_account.platform[0]
  values = { name = "projects/salon-bookings/serviceAccounts/push-platform@salon-bookings.iam.gserviceaccount.com" }
}
