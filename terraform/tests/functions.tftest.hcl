# What the functions are, what stands in their environment, and how large they are.

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

run "functions" {
  command = apply

  variables {
    allowed_return_origins = ["https://booking.example.com", "https://booking.example.com:8443"]
  }

  assert {
    condition     = toset(keys(local.functions)) == toset(["maintain", "oauthcallback", "oauthstart", "onconfirm", "ondelete", "onreserve", "settings", "webhook"])
    error_message = "The list of functions is not the list of folders in functions/."
  }

  assert {
    condition = alltrue([
      for name, f in local.functions :
      f.function.name == name && f.function.build_config[0].entry_point == name && f.function.build_config[0].runtime == "go126"
    ])
    error_message = "A function's name is its target, and its runtime Go 1.26."
  }

  assert {
    condition = alltrue([
      for name, f in local.functions :
      f.package.name == "${name}-${filesha256("tests/packages/${name}.zip")}.zip" &&
      f.function.build_config[0].source[0].storage_source[0].object == f.package.name
    ])
    error_message = "A changed package must be another object, and that object deployed."
  }

  assert {
    condition     = length(distinct([for f in local.functions : f.function.service_config[0].service_account_email])) == length(local.functions)
    error_message = "Two functions share an account."
  }

  assert {
    condition = alltrue([
      for name, f in local.functions :
      f.service_account.account_id == "citasync-${name}" &&
      f.function.service_config[0].service_account_email == f.service_account.email &&
      f.member == "serviceAccount:${f.service_account.email}"
    ])
    error_message = "A function does not run as the account that is made, and granted things, for it."
  }

  assert {
    condition = alltrue([
      for f in local.functions :
      f.function.service_config[0].max_instance_request_concurrency <= 1 || tonumber(f.function.service_config[0].available_cpu) >= 1
    ])
    error_message = "Cloud Run refuses more than one request at a time on less than one processor."
  }

  assert {
    condition = alltrue([
      for f in local.functions :
      tonumber(trimsuffix(f.function.service_config[0].available_memory, "Mi")) >= 128 &&
      f.function.service_config[0].max_instance_count >= 1 && f.function.service_config[0].max_instance_count <= 1000 &&
      f.function.service_config[0].min_instance_count == 0 &&
      f.function.service_config[0].timeout_seconds == 60
    ])
    error_message = "Memory, instances or time-out out of range."
  }

  assert {
    condition     = module.maintain.function.service_config[0].max_instance_count == 1
    error_message = "Two instances of maintain would use up Google's quotas."
  }

  assert {
    condition = {
      for name, f in local.functions : name => join(" ", sort(concat(
        keys(f.function.service_config[0].environment_variables),
        [for s in f.function.service_config[0].secret_environment_variables : s.key],
      )))
      } == {
      maintain      = "FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT PLATFORM_SETTINGS_URL TOKEN_KEYSET"
      oauthcallback = "ALLOWED_RETURN_ORIGINS FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT PLATFORM_SETTINGS_URL PUBLIC_URL SESSION_SECRETS TOKEN_KEYSET"
      oauthstart    = "ALLOWED_RETURN_ORIGINS FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT PLATFORM_SETTINGS_URL PUBLIC_URL SESSION_SECRETS TOKEN_KEYSET"
      onconfirm     = "FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT TOKEN_KEYSET"
      ondelete      = "FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT TOKEN_KEYSET"
      onreserve     = "FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT TOKEN_KEYSET"
      settings      = "ALLOWED_RETURN_ORIGINS FIRESTORE_DATABASE GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CLOUD_PROJECT PLATFORM_SETTINGS_URL PUBLIC_URL SESSION_SECRETS TOKEN_KEYSET"
      webhook       = "FIRESTORE_DATABASE GOOGLE_CLOUD_PROJECT WEBHOOK_SECRETS"
    }
    error_message = "A function has not exactly the environment variables that it needs."
  }

  # A function reads the secrets in its environment, and nobody else does.
  assert {
    condition = {
      for name, f in local.functions : name => join(" ", sort([
        for g in f.secret_grants : g.secret_id if g.member == f.member && g.role == "roles/secretmanager.secretAccessor"
      ]))
      } == {
      maintain      = "citasync-google-client-secret citasync-token-keyset"
      oauthcallback = "citasync-google-client-secret citasync-session-secrets citasync-token-keyset"
      oauthstart    = "citasync-google-client-secret citasync-session-secrets citasync-token-keyset"
      onconfirm     = "citasync-google-client-secret citasync-token-keyset"
      ondelete      = "citasync-google-client-secret citasync-token-keyset"
      onreserve     = "citasync-google-client-secret citasync-token-keyset"
      settings      = "citasync-google-client-secret citasync-session-secrets citasync-token-keyset"
      webhook       = "citasync-webhook-secrets"
    }
    error_message = "A function can't read a secret in its environment, or reads another."
  }

  assert {
    condition = alltrue([
      for f in local.functions :
      length(setintersection(keys(f.function.service_config[0].environment_variables), keys(local.environment_secrets))) == 0
    ])
    error_message = "A secret stands in the environment for everybody to read."
  }

  assert {
    condition     = module.settings.function.service_config[0].environment_variables.ALLOWED_RETURN_ORIGINS == "https://booking.example.com https://booking.example.com:8443"
    error_message = "Origins must be separated by spaces."
  }

  # The name of a company's secret begins otherwise, or that function could read
  # the others' secrets that the condition on names lets it read.
  assert {
    condition     = alltrue([for s in google_secret_manager_secret.environment : !startswith(s.secret_id, "google-refresh-token-")])
    error_message = "A secret of the environment has a company's name."
  }

  assert {
    condition     = alltrue([for v in data.google_secret_manager_secret_version.newest : !v.fetch_secret_data])
    error_message = "A secret's value would stand in the state."
  }
}

run "other_installation" {
  command = plan

  variables {
    firestore_database = "restored"
    firestore_location = "eur3"
    installation_id    = "salon-bookings/(default)"
    sizes              = { onconfirm = { memory_mib = 512, min_instances = 1 } }
  }

  assert {
    condition = alltrue([
      for f in local.functions :
      f.function.service_config[0].environment_variables.INSTALLATION_ID == "salon-bookings/(default)" &&
      f.function.service_config[0].environment_variables.FIRESTORE_DATABASE == "restored"
    ])
    error_message = "A function does not belong to the installation."
  }

  assert {
    condition     = google_firestore_database.this.name == "restored" && google_firestore_database.this.location_id == "eur3"
    error_message = "Another database was asked for."
  }

  assert {
    condition     = google_firebaserules_release.firestore.name == "cloud.firestore/restored"
    error_message = "The rules are another database's."
  }

  assert {
    condition = (
      module.onconfirm.function.service_config[0].available_memory == "512Mi" &&
      module.onconfirm.function.service_config[0].min_instance_count == 1 &&
      module.onconfirm.function.service_config[0].max_instance_count == local.default_sizes.onconfirm.max_instances &&
      module.ondelete.function.service_config[0].available_memory == "256Mi"
    )
    error_message = "A size must change what it says and nothing else."
  }
}
