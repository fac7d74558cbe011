variable "alert_email" {
  description = "Address to which alerts are sent."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alert_email))
    error_message = "An e-mail address, such as ops@example.com."
  }
}

variable "allowed_return_origins" {
  description = "Origins to which the panel may lead back, such as https://booking.example.com: those that a signed link's return_url may name."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for o in var.allowed_return_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", o))])
    error_message = "Each must be https://host in lower case, perhaps with a port, without a path."
  }
}

variable "domain" {
  description = "Host name under which browsers, the booking platform and Google reach the installation, such as citas.example.com."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain))
    error_message = "A host name in lower case, without scheme, port and path."
  }
}

variable "firestore_database" {
  description = "Name of the Firestore database. Another one than the default is for a second database in the project, such as a restored one."
  type        = string
  default     = "(default)"
  nullable    = false

  validation {
    condition     = var.firestore_database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore_database))
    error_message = "\"(default)\", or 4 to 63 lower-case letters, digits and hyphens that begin with a letter."
  }
}

variable "firestore_location" {
  description = "Location of the Firestore database, for good: a region, nam5 or eur3. By default the functions' region."
  type        = string
  default     = null

  validation {
    condition     = var.firestore_location == null || can(regex("^(nam5|eur3|[a-z]+-[a-z]+[0-9]+)$", var.firestore_location))
    error_message = "A region such as europe-west1, or nam5 or eur3."
  }
}

variable "google_client_id" {
  description = "Id of the OAuth client at Google, whose redirect address is https://DOMAIN/oauth/callback."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.google_client_id, ".apps.googleusercontent.com")
    error_message = "A client id ends in .apps.googleusercontent.com; the client's secret does not belong here."
  }
}

variable "installation_id" {
  description = "Tells this installation's events at Google from another's. By default PROJECT/DATABASE; set it to the old value when a restored database has another name, or its events count as somebody else's."
  type        = string
  default     = null

  validation {
    condition     = var.installation_id == null || can(regex("^[!-~]{1,128}$", var.installation_id))
    error_message = "1 to 128 printable ASCII characters without spaces."
  }
}

variable "notify_from" {
  description = "Sender of the e-mails that tell a company what became of its integrations, such as Citasync <noreply@example.com>. Their server's address is the secret citasync-smtp-url. Without a sender no e-mail is sent, and there is no such secret."
  type        = string
  default     = null

  validation {
    condition = var.notify_from == null || can(regex(format(
      "^(%[1]s|[\\p{L}\\p{N}][\\p{L}\\p{N} .&'-]* <%[1]s>)$",
      "[A-Za-z0-9_%+-]+([.][A-Za-z0-9_%+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?[.])+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]",
    ), var.notify_from))
    error_message = "An e-mail address in ASCII, perhaps after a name of letters and digits: noreply@example.com, or Citasync <noreply@example.com>."
  }
}

variable "package_dir" {
  description = "Directory with the functions' packages, as make package leaves them."
  type        = string
  default     = "../dist"
  nullable    = false

  validation {
    condition = alltrue([
      for f in ["maintain", "oauthcallback", "oauthstart", "onconfirm", "ondelete", "onreserve", "settings", "webhook"] :
      fileexists("${var.package_dir}/${f}.zip")
    ])
    error_message = "A package is missing: make package writes one .zip for each function."
  }
}

variable "platform_push" {
  description = "The booking platform's https address to which notices (docs/notices.md) are pushed, and the audience of the token that comes with each: by default the address itself. Without it nothing is pushed, and the topic integration-events is there for subscriptions of the platform's own."
  type = object({
    audience = optional(string)
    endpoint = string
  })
  default = null

  validation {
    condition     = var.platform_push == null || can(regex("^https://([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?[.])+[A-Za-z][A-Za-z0-9-]*(:[0-9]{1,5})?([/?][^#\\s]*)?$", var.platform_push.endpoint))
    error_message = "endpoint: an https address with a host name, without user and fragment."
  }

  validation {
    condition     = try(var.platform_push.audience, null) == null || can(regex("^[!-~]+$", var.platform_push.audience))
    error_message = "audience: printable ASCII characters without spaces."
  }
}

variable "platform_settings_url" {
  description = "The booking platform's page that leads a company to a fresh signed link, with {company} in the place of the company's id. Notices and expired sessions point there."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[^/?#{}]+/.*\\{company\\}", var.platform_settings_url))
    error_message = "An https address with {company} in its path or query."
  }
}

variable "project_id" {
  description = "Google Cloud project to deploy to. It should hold nothing else."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the functions, such as europe-west1 or us-east1: near the booking platform, and one that Cloud Scheduler has too."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region such as europe-west1."
  }
}

variable "sizes" {
  description = "Sizes that differ from those in functions.tf, by function."
  type = map(object({
    concurrency   = optional(number)
    cpu           = optional(number)
    max_instances = optional(number)
    memory_mib    = optional(number)
    min_instances = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition = length(setsubtract(keys(var.sizes), [
      "maintain", "oauthcallback", "oauthstart", "onconfirm", "ondelete", "onreserve", "settings", "webhook",
    ])) == 0
    error_message = "There is no function of that name."
  }

  validation {
    condition     = alltrue([for s in values(var.sizes) : try(s.concurrency >= 1 && s.concurrency <= 1000, s.concurrency == null)])
    error_message = "concurrency: 1 to 1000."
  }

  validation {
    condition     = alltrue([for s in values(var.sizes) : try(s.cpu >= 1 && s.cpu <= 8, s.cpu == null)])
    error_message = "cpu: 1 to 8. Cloud Run gives an instance with less than one processor no second request."
  }

  validation {
    condition     = alltrue([for s in values(var.sizes) : try(s.memory_mib >= 128 && s.memory_mib <= 32768, s.memory_mib == null)])
    error_message = "memory_mib: 128 to 32768."
  }

  validation {
    condition     = alltrue([for s in values(var.sizes) : try(s.max_instances >= 1 && s.max_instances <= 1000, s.max_instances == null)])
    error_message = "max_instances: 1 to 1000."
  }

  validation {
    condition     = alltrue([for s in values(var.sizes) : try(s.min_instances >= 0 && s.min_instances <= 100, s.min_instances == null)])
    error_message = "min_instances: 0 to 100."
  }

  validation {
    condition     = try(var.sizes.maintain.max_instances == null || var.sizes.maintain.max_instances == 1, true)
    error_message = "maintain has one instance: it keeps below Google's quotas by itself, and two would each take half of them."
  }
}

variable "whatsapp" {
  description = "WhatsApp notices to the companies' customers: the id that Meta's console shows for the sending number, and the templates if they differ from the defaults, each KIND=TEMPLATE or KIND=TEMPLATE:LANGUAGE,LANGUAGE, separated by spaces. The three secrets citasync-whatsapp-… belong to it. Without it no notice is sent, and there are no such secrets."
  type = object({
    phone_number_id = string
    templates       = optional(string)
  })
  default = null

  validation {
    condition     = var.whatsapp == null || can(regex("^[0-9]{1,32}$", var.whatsapp.phone_number_id))
    error_message = "phone_number_id: digits. It is the number's id, not the number; tokens do not belong here."
  }

  validation {
    condition     = try(var.whatsapp.templates, null) == null || can(regex("^[a-z]+=[a-z0-9_]+(:[A-Za-z_]+(,[A-Za-z_]+)*)?( [a-z]+=[a-z0-9_]+(:[A-Za-z_]+(,[A-Za-z_]+)*)?)*$", var.whatsapp.templates))
    error_message = "templates: KIND=TEMPLATE:LANGUAGE,LANGUAGE separated by single spaces, such as reserved=booking_reserved confirmed=booking_confirmed:es,en."
  }
}
