variable "deployment" {
  description = "Where the function is deployed and from what, alike for all functions."
  type = object({
    bucket      = string # holds the packages
    builder     = string # id of the account that builds
    package_dir = string # holds NAME.zip
    region      = string
    repository  = string # id of the repository for the images
  })
}

variable "description" {
  description = "What the function is for, in a line."
  type        = string
}

variable "environment" {
  description = "Environment variables whose values may be read by everybody."
  type        = map(string)
}

variable "ingress" {
  description = "From where requests are let in."
  type        = string

  validation {
    condition     = contains(["ALLOW_INTERNAL_AND_GCLB", "ALLOW_INTERNAL_ONLY"], var.ingress)
    error_message = "No function takes requests from the whole Internet directly."
  }
}

variable "name" {
  description = "Name of the function, of its folder, its package and its target."
  type        = string
}

variable "secret_versions" {
  description = "Version of each secret, by environment variable. Apart from the secrets: those are there before their values are."
  type        = map(string)
}

variable "secrets" {
  description = "Environment variables whose values are secrets, and where those are."
  type = map(object({
    project   = string
    secret_id = string
  }))
}

variable "size" {
  description = "What an instance has, and how many there are."
  type = object({
    concurrency   = number
    cpu           = number
    max_instances = number
    memory_mib    = number
    min_instances = number
  })
}
