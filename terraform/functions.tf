# What the functions have in common. What each is allowed stands in its own file.
locals {
  # One instance takes many requests side by side: they mostly wait for
  # Firestore and Google. The most instances bound what a flood costs, and how
  # fast it uses up Google's quota (10,000 calls a minute for the project).
  # Cloud Run wants a whole processor for more than one request at a time.
  # A function takes 23 to 28 MB of memory once it has started; 256 leaves room
  # for what is in hand.
  default_sizes = {
    # One instance, which keeps below Google's quota for each user by itself. It
    # takes a second message at once, to say that it is at work already: refused,
    # it would make Pub/Sub slow down.
    maintain      = { concurrency = 16, cpu = 1, max_instances = 1, memory_mib = 256, min_instances = 0 }
    oauthcallback = { concurrency = 64, cpu = 1, max_instances = 5, memory_mib = 256, min_instances = 0 }
    oauthstart    = { concurrency = 64, cpu = 1, max_instances = 5, memory_mib = 256, min_instances = 0 }
    onconfirm     = { concurrency = 64, cpu = 1, max_instances = 10, memory_mib = 256, min_instances = 0 }
    ondelete      = { concurrency = 64, cpu = 1, max_instances = 10, memory_mib = 256, min_instances = 0 }
    onreserve     = { concurrency = 64, cpu = 1, max_instances = 10, memory_mib = 256, min_instances = 0 }
    settings      = { concurrency = 64, cpu = 1, max_instances = 10, memory_mib = 256, min_instances = 0 }
    webhook       = { concurrency = 64, cpu = 1, max_instances = 10, memory_mib = 256, min_instances = 0 }
  }

  sizes = {
    for name, size in local.default_sizes : name => {
      for key, value in size : key => coalesce(try(var.sizes[name][key], null), value)
    }
  }

  functions = {
    maintain      = module.maintain
    oauthcallback = module.oauthcallback
    oauthstart    = module.oauthstart
    onconfirm     = module.onconfirm
    ondelete      = module.ondelete
    onreserve     = module.onreserve
    settings      = module.settings
    webhook       = module.webhook
  }

  # Where a function is deployed, and from what.
  deployment = {
    bucket      = google_storage_bucket.packages.name
    builder     = google_service_account.builder.id
    package_dir = var.package_dir
    region      = var.region
    repository  = google_artifact_registry_repository.functions.id
  }

  public_url = "https://${var.domain}"

  # Environment variables, by what they are for.
  env_backends = merge(
    {
      FIRESTORE_DATABASE   = var.firestore_database
      GOOGLE_CLOUD_PROJECT = var.project_id
    },
    var.installation_id == null ? {} : { INSTALLATION_ID = var.installation_id },
  )
  env_google = {
    GOOGLE_CLIENT_ID = var.google_client_id
  }
  env_mail = var.notify_from == null ? {} : {
    NOTIFY_FROM = var.notify_from
  }
  env_platform = {
    PLATFORM_SETTINGS_URL = var.platform_settings_url
  }
  env_panel = {
    ALLOWED_RETURN_ORIGINS = join(" ", var.allowed_return_origins)
    PUBLIC_URL             = local.public_url
  }
  env_whatsapp = {
    for name, value in {
      WHATSAPP_PHONE_NUMBER_ID = try(var.whatsapp.phone_number_id, null)
      WHATSAPP_TEMPLATES       = try(var.whatsapp.templates, null)
    } : name => value if value != null
  }
}
