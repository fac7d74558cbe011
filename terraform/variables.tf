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
