# What may be left out: e-mail, the push of notices to the platform, WhatsApp. Each
# alone, all together, and nothing.

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

run "source" {
  module {
    source = "./tests/source"
  }
}

# What stands in the functions' environment then, and who reads what, is in
# functions.tftest.hcl.
run "nothing" {
  command = apply

  assert {
    condition = toset([for s in google_secret_manager_secret.environment : s.secret_id]) == toset([
      "citasync-google-client-secret", "citasync-session-secrets", "citasync-token-keyset", "citasync-webhook-secrets",
    ])
    error_message = "There is a secret that nobody asked for, or one is missing."
  }

  assert {
    condition = (
      length(google_pubsub_subscription.platform) == 0 &&
      length(google_service_account.platform) == 0 &&
      length(google_service_account_iam_member.pubsub_makes_platform_tokens) == 0 &&
      !contains(keys(google_monitoring_alert_policy.alert), "notice-backlog")
    )
    error_message = "Notices would be pushed, though nobody said where to."
  }

  assert {
    condition     = output.platform_push == null && output.whatsapp_webhook_url == null
    error_message = "What is switched off has an address."
  }
}

run "mail" {
  command = apply

  variables {
    notify_from = "Citas de Peluquería Núñez & Cía. <noreply@mail.example.com>"
  }

  assert {
    condition = {
      for name, f in local.functions : name => [
        join(" ", sort([for v in keys(f.function.service_config[0].environment_variables) : v if can(regex("^(NOTIFY|SMTP|WHATSAPP)_", v))])),
        join(" ", sort([for s in f.function.service_config[0].secret_environment_variables : s.key if can(regex("^(NOTIFY|SMTP|WHATSAPP)_", s.key))])),
      ]
      } == {
      maintain      = ["NOTIFY_FROM", "SMTP_URL"]
      oauthcallback = ["", ""]
      oauthstart    = ["", ""]
      onconfirm     = ["", ""]
      ondelete      = ["", ""]
      onreserve     = ["", ""]
      settings      = ["", ""]
      webhook       = ["", ""]
    }
    error_message = "maintain must know the sender and the mail server, and no other function anything of them."
  }

  assert {
    condition     = module.maintain.function.service_config[0].environment_variables.NOTIFY_FROM == "Citas de Peluquería Núñez & Cía. <noreply@mail.example.com>"
    error_message = "The sender is another."
  }

  assert {
    condition = alltrue([
      for s in module.maintain.function.service_config[0].secret_environment_variables :
      s.secret == "citasync-smtp-url" && s.version == data.google_secret_manager_secret_version.newest["SMTP_URL"].version
      if s.key == "SMTP_URL"
    ])
    error_message = "The mail server's address is not that secret's newest version."
  }

  assert {
    condition = {
      for name, f in local.functions : name => f.secret_grants["SMTP_URL"].member if contains(keys(f.secret_grants), "SMTP_URL")
      } == {
      maintain = "serviceAccount:${module.maintain.service_account.email}"
    }
    error_message = "maintain's account must read the mail server's password, and nobody else's."
  }

  assert {
    condition     = length(google_secret_manager_secret.environment) == 5 && length(google_pubsub_subscription.platform) == 0
    error_message = "E-mail brings something else with it."
  }
}

run "push" {
  command = apply

  variables {
    platform_push = { endpoint = "https://booking.example.com:8443/hooks/citasync?v=1" }
  }

  assert {
    condition = (
      length(google_pubsub_subscription.platform) == 1 &&
      google_pubsub_subscription.platform[0].topic == google_pubsub_topic.topic["integration-events"].id &&
      google_pubsub_subscription.platform[0].push_config[0].push_endpoint == "https://booking.example.com:8443/hooks/citasync?v=1"
    )
    error_message = "Notices are not pushed to the platform."
  }

  assert {
    condition = (
      google_pubsub_subscription.platform[0].push_config[0].oidc_token[0].audience == "https://booking.example.com:8443/hooks/citasync?v=1" &&
      google_pubsub_subscription.platform[0].push_config[0].oidc_token[0].service_account_email == google_service_account.platform[0].email &&
      length(google_pubsub_subscription.platform[0].push_config[0].no_wrapper) == 0
    )
    error_message = "A pushed notice must be signed for its address, in the name of an account of its own, and in Pub/Sub's envelope."
  }

  assert {
    condition     = output.platform_push == { aud = "https://booking.example.com:8443/hooks/citasync?v=1", email = google_service_account.platform[0].email }
    error_message = "The operator is not told what the platform has to check."
  }

  # A day's outage loses nothing: no dead letters, which come within sixteen hours.
  assert {
    condition = (
      google_pubsub_subscription.platform[0].message_retention_duration == "604800s" &&
      length(google_pubsub_subscription.platform[0].dead_letter_policy) == 0 &&
      google_pubsub_subscription.platform[0].retry_policy[0].minimum_backoff == "10s" &&
      google_pubsub_subscription.platform[0].retry_policy[0].maximum_backoff == "600s" &&
      google_pubsub_subscription.platform[0].expiration_policy[0].ttl == ""
    )
    error_message = "A notice must be sent again for a week, and the subscription stay however quiet it is."
  }

  assert {
    condition = (
      google_service_account_iam_member.pubsub_makes_platform_tokens[0].service_account_id == google_service_account.platform[0].name &&
      google_service_account_iam_member.pubsub_makes_platform_tokens[0].role == "roles/iam.serviceAccountOpenIdTokenCreator" &&
      google_service_account_iam_member.pubsub_makes_platform_tokens[0].member == local.pubsub_agent
    )
    error_message = "Pub/Sub must be allowed to make the tokens."
  }

  # Its account is named where notices are pushed, and nowhere as somebody that
  # may do something.
  assert {
    condition = (
      toset([for file, text in run.source.files : file if can(regex("google_service_account[.]platform\\b", text))]) == toset(["platform.tf"]) &&
      !can(regex("member[ =]+[^\n]*google_service_account[.]platform\\b", run.source.files["platform.tf"])) &&
      !contains([for f in local.functions : f.service_account.email], google_service_account.platform[0].email) &&
      !contains([for a in google_service_account.pusher : a.email], google_service_account.platform[0].email)
    )
    error_message = "The account in whose name the platform is called must have no role, and be nobody else's."
  }

  assert {
    condition     = toset([for a in google_monitoring_alert_policy.alert : "${a.conditions[0].display_name}.md"]) == setsubtract(fileset("../docs/playbooks", "*.md"), ["README.md"])
    error_message = "An alert without a playbook, or a playbook without its alert."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.alert["notice-backlog"].conditions[0].condition_prometheus_query_language[0].query, "subscription_id=\"${google_pubsub_subscription.platform[0].name}\"}) > 3600")
    error_message = "Nobody is told that notices wait for the platform."
  }

  assert {
    condition     = length(google_secret_manager_secret.environment) == 4
    error_message = "The push brings something else with it."
  }
}

run "whatsapp" {
  command = apply

  variables {
    whatsapp = { phone_number_id = "106540352242922" }
  }

  assert {
    condition = {
      for name, f in local.functions : name => [
        join(" ", sort([for v in keys(f.function.service_config[0].environment_variables) : v if can(regex("^(NOTIFY|SMTP|WHATSAPP)_", v))])),
        join(" ", sort([for s in f.function.service_config[0].secret_environment_variables : s.key if can(regex("^(NOTIFY|SMTP|WHATSAPP)_", s.key))])),
      ]
      } == {
      maintain      = ["WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_TOKEN"]
      oauthcallback = ["", ""]
      oauthstart    = ["", ""]
      onconfirm     = ["WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_TOKEN"]
      ondelete      = ["WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_TOKEN"]
      onreserve     = ["WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_TOKEN"]
      settings      = ["WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_TOKEN"]
      webhook       = ["", "WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN"]
    }
    error_message = "Who sends must know the number and its token; who takes statuses, what they are signed with; nobody else anything of them."
  }

  assert {
    condition     = output.whatsapp_webhook_url == "https://citas.example.com/webhooks/whatsapp"
    error_message = "The operator is not told the address to enter at Meta."
  }

  assert {
    condition     = length(google_secret_manager_secret.environment) == 7 && length(google_pubsub_subscription.platform) == 0
    error_message = "WhatsApp brings something else with it."
  }
}

run "everything" {
  command = apply

  variables {
    notify_from = "noreply@example.com"
    platform_push = {
      audience = "citasync-notices"
      endpoint = "https://booking.example.com/notices"
    }
    whatsapp = {
      phone_number_id = "106540352242922"
      templates       = "reserved=booking_reserved confirmed=booking_confirmed:es,en deleted=booking_deleted:es_MX,en"
    }
  }

  assert {
    condition = alltrue([
      for name in ["maintain", "onconfirm", "ondelete", "onreserve", "settings"] :
      local.functions[name].function.service_config[0].environment_variables.WHATSAPP_TEMPLATES == "reserved=booking_reserved confirmed=booking_confirmed:es,en deleted=booking_deleted:es_MX,en" &&
      local.functions[name].function.service_config[0].environment_variables.WHATSAPP_PHONE_NUMBER_ID == "106540352242922"
    ])
    error_message = "Templates and the number's id are passed on as they are."
  }

  assert {
    condition = toset([for name, f in local.functions : name if contains(keys(f.function.service_config[0].environment_variables), "WHATSAPP_TEMPLATES")]) == toset([
      "maintain", "onconfirm", "ondelete", "onreserve", "settings",
    ])
    error_message = "A function that sends nothing to WhatsApp has its templates."
  }

  # A function reads the secrets in its environment, and nobody else does.
  assert {
    condition = {
      for name, f in local.functions : name => join(" ", sort([
        for g in f.secret_grants : trimprefix(g.secret_id, "citasync-") if g.member == f.member && g.role == "roles/secretmanager.secretAccessor"
      ]))
      } == {
      maintain      = "google-client-secret smtp-url token-keyset whatsapp-token"
      oauthcallback = "google-client-secret session-secrets token-keyset"
      oauthstart    = "google-client-secret session-secrets token-keyset"
      onconfirm     = "google-client-secret token-keyset whatsapp-token"
      ondelete      = "google-client-secret token-keyset whatsapp-token"
      onreserve     = "google-client-secret token-keyset whatsapp-token"
      settings      = "google-client-secret session-secrets token-keyset whatsapp-token"
      webhook       = "webhook-secrets whatsapp-app-secret whatsapp-verify-token"
    }
    error_message = "A function can't read a secret in its environment, or reads another."
  }

  assert {
    condition = alltrue([
      for f in local.functions :
      toset([for s in f.function.service_config[0].secret_environment_variables : "${s.key} ${s.secret}"]) == toset([for name, g in f.secret_grants : "${name} ${g.secret_id}"]) &&
      length(setintersection(keys(f.function.service_config[0].environment_variables), keys(local.environment_secrets))) == 0
    ])
    error_message = "A variable has another secret's value, or a secret stands in the environment for everybody to read."
  }

  assert {
    condition = (
      alltrue([for s in google_secret_manager_secret.environment : !startswith(s.secret_id, "google-refresh-token-")]) &&
      alltrue([for v in data.google_secret_manager_secret_version.newest : !v.fetch_secret_data])
    )
    error_message = "A secret of the environment has a company's name, or its value would stand in the state."
  }

  assert {
    condition     = output.secrets == local.environment_secrets && length(output.secrets) == 8
    error_message = "The operator is not told of every secret that needs a value."
  }

  assert {
    condition     = output.platform_push.aud == "citasync-notices" && google_pubsub_subscription.platform[0].push_config[0].oidc_token[0].audience == "citasync-notices"
    error_message = "Another audience was asked for."
  }

  # Or a secret would be deleted while instances still start with it: Terraform
  # does that before it deploys a function without it.
  assert {
    condition = alltrue([
      for file in ["modules/function/main.tf", "secrets.tf"] :
      can(regex("(?s)resource \"google_secret_manager_secret(_iam_member)?\" \"[a-z]+\" {.*?\n  lifecycle {\n    create_before_destroy = true\n  }.*?\n}", run.source.files[file]))
    ])
    error_message = "What is switched off would lose its secrets before its functions are deployed without them."
  }
}
