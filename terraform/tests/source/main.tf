# The configuration's own text, for what can't be asked of a deployment: that
# something is nowhere in it.
output "files" {
  value = {
    for file in setunion(fileset("${path.module}/../..", "*.tf"), fileset("${path.module}/../..", "modules/**/*.tf")) :
    file => file("${path.module}/../../${file}")
  }
}
