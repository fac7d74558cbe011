# Bad inputs are refused before anything is made.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  alert_email           = "ops@example.com"
  domain                = "citas.example.com"
  google_client_id      = "1234-abc.apps.googleusercontent.com"
  package_dir           = "tests/packages"
  platform_settings_url = "https://booking.example.com/integrations?company={company}"
  project_id            = "salon-bookings"
  region                = "europe-west1"
}

run "all_wrong" {
  command = plan

  variables {
    alert_email            = "ops at example.com"
    allowed_return_origins = ["https://booking.example.com/"]
    domain                 = "https://citas.example.com"
    firestore_database     = "db"
    firestore_location     = "Europe"
    google_client_id       = "GOCSPX-a-secret"
    installation_id        = "two words"
    notify_from            = "noreply at example.com"
    package_dir            = "tests/nothing-here"
    platform_push          = { endpoint = "http://booking.example.com/notices" }
    platform_settings_url  = "https://booking.example.com/integrations"
    project_id             = "Salon"
    region                 = "europe"
    sizes                  = { onconfirmed = {} }
    whatsapp               = { phone_number_id = "+34 600 000 000" }
  }

  expect_failures = [
    var.alert_email,
    var.allowed_return_origins,
    var.domain,
    var.firestore_database,
    var.firestore_location,
    var.google_client_id,
    var.installation_id,
    var.notify_from,
    var.package_dir,
    var.platform_push,
    var.platform_settings_url,
    var.project_id,
    var.region,
    var.sizes,
    var.whatsapp,
  ]
}

run "wrong_otherwise" {
  command = plan

  variables {
    allowed_return_origins = ["https://booking.example.com", "http://booking.example.com"]
    domain                 = "citas"
    notify_from            = "Citasync <noreply@example.com"
    platform_push          = { endpoint = "https://booking.example.com/notices", audience = "" }
    platform_settings_url  = "http://booking.example.com/{company}"
    project_id             = "salon-bookings-in-another-country"
    sizes                  = { maintain = { max_instances = 2 } }
    whatsapp               = { phone_number_id = "106540352242922", templates = "reserved = booking_reserved" }
  }

  expect_failures = [
    var.allowed_return_origins,
    var.domain,
    var.notify_from,
    var.platform_push,
    var.platform_settings_url,
    var.project_id,
    var.sizes,
    var.whatsapp,
  ]
}

run "push_with_a_user" {
  command = plan
  variables { platform_push = { endpoint = "https://user:password@booking.example.com/notices" } }
  expect_failures = [var.platform_push]
}

run "push_nowhere" {
  command = plan
  variables { platform_push = { endpoint = "" } }
  expect_failures = [var.platform_push]
}

run "two_senders" {
  command = plan
  variables { notify_from = "a@example.com, b@example.com" }
  expect_failures = [var.notify_from]
}

run "no_sender" {
  command = plan
  variables { notify_from = "" }
  expect_failures = [var.notify_from]
}

run "no_templates" {
  command = plan
  variables { whatsapp = { phone_number_id = "106540352242922", templates = "" } }
  expect_failures = [var.whatsapp]
}

run "concurrency" {
  command = plan
  variables { sizes = { webhook = { concurrency = 1001 } } }
  expect_failures = [var.sizes]
}

run "cpu" {
  command = plan
  variables { sizes = { webhook = { cpu = 0.5 } } }
  expect_failures = [var.sizes]
}

run "memory" {
  command = plan
  variables { sizes = { webhook = { memory_mib = 64 } } }
  expect_failures = [var.sizes]
}

run "max_instances" {
  command = plan
  variables { sizes = { webhook = { max_instances = 0 } } }
  expect_failures = [var.sizes]
}

run "min_instances" {
  command = plan
  variables { sizes = { webhook = { min_instances = -1 } } }
  expect_failures = [var.sizes]
}
