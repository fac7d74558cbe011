# The first of the two steps in which an installation is made. The script that
# runs this looks whether it has deployed a function: then it has too much in it.

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

run "foundation" {
  command = apply

  plan_options {
    target = [terraform_data.foundation]
  }

  assert {
    condition     = length(terraform_data.foundation.output.secrets) == 4
    error_message = "Every secret of the environment must be there for the operator to give it a value."
  }

  assert {
    condition     = contains(terraform_data.foundation.output.services, "secretmanager.googleapis.com")
    error_message = "The services must be enabled in the first step."
  }

  # webhook has one secret, the functions that act for a company two, those with
  # sessions three; and there are the three grants of the account that builds.
  assert {
    condition     = length(distinct(terraform_data.foundation.output.grants)) == 1 + 4 * 2 + 3 * 3 + 3
    error_message = "A function must be allowed to read its secrets before it is deployed."
  }
}

# What may be left out is part of the same step where it is switched on.
run "foundation_with_everything" {
  command = apply

  plan_options {
    target = [terraform_data.foundation]
  }

  variables {
    notify_from = "noreply@example.com"
    whatsapp    = { phone_number_id = "106540352242922" }
  }

  assert {
    condition     = length(terraform_data.foundation.output.secrets) == 4 + 1 + 3
    error_message = "Every secret of the environment must be there for the operator to give it a value."
  }

  # maintain reads one secret more for e-mail; the five functions that send to
  # WhatsApp one more each, and webhook two.
  assert {
    condition     = length(distinct(terraform_data.foundation.output.grants)) == 1 + 4 * 2 + 3 * 3 + 3 + 1 + 5 + 2
    error_message = "A function must be allowed to read its secrets before it is deployed."
  }
}
