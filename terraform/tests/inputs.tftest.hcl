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
    package_dir            = "tests/nothing-here"
    platform_settings_url  = "https://booking.example.com/integrations"
    project_id             = "Salon"
    region                 = "europe"
    sizes                  = { onconfirmed = {} }
  }

  expect_failures = [
    var.alert_email,
    var.allowed_return_origins,
    var.domain,
    var.firestore_database,
    var.firestore_location,
    var.google_client_id,
    var.installation_id,
    var.package_dir,
    var.platform_settings_url,
    var.project_id,
    var.region,
    var.sizes,
  ]
}

run "wrong_otherwise" {
  command = plan

  variables {
    allowed_return_origins = ["https://booking.example.com", "http://booking.example.com"]
    domain                 = "citas"
    platform_settings_url  = "http://booking.example.com/{company}"
    project_id             = "salon-bookings-in-another-country"
    sizes                  = { maintain = { max_instances = 2 } }
  }

  expect_failures = [
    var.allowed_return_origins,
    var.domain,
    var.platform_settings_url,
    var.project_id,
    var.sizes,
  ]
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
