package secretmanager

import (
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The forms of names and labels, as the API's reference gives them.
var (
	projectID     = regexp.MustCompile(`^[a-z][a-z0-9.:-]*$`)
	number        = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	secretID      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	versionAlias  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
	labelKey      = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue    = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
	annotationKey = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
)

const (
	maxLabels      = 64
	maxLabelBytes  = 128 // of a key, and of a value
	maxAliases     = 50
	maxAnnotations = 16 << 10 // bytes of all keys and values
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// parseProject reads projects/*, and returns it with the project's number.
func parseProject(name string) (string, error) {
	parts := strings.Split(name, "/")
	switch {
	case len(parts) == 4 && parts[0] == "projects" && parts[2] == "locations":
		return "", status.Errorf(codes.Unimplemented, "[%s]: the stand-in has no regional secrets", name)
	case len(parts) != 2 || parts[0] != "projects":
		return "", invalid("[%s] is not of the form projects/*", name)
	case number.MatchString(parts[1]):
		return name, nil
	case projectID.MatchString(parts[1]):
		return "projects/" + projectNumber(parts[1]), nil
	}
	return "", invalid("[%s] names no project", name)
}

// projectNumber makes twelve digits of a project's id, always the same.
func projectNumber(id string) string {
	const least = 100_000_000_000
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return strconv.FormatUint(least+h.Sum64()%(9*least), 10)
}

// parseSecret reads projects/*/secrets/*, and returns it with the project's
// number.
func parseSecret(name string) (string, error) {
	project, id, ok := strings.Cut(name, "/secrets/")
	if !ok {
		return "", invalid("[%s] is not of the form projects/*/secrets/*", name)
	}
	project, err := parseProject(project)
	if err != nil {
		return "", err
	}
	if !secretID.MatchString(id) {
		return "", invalid("[%s] has a malformed secret id", name)
	}
	return project + "/secrets/" + id, nil
}

// parseVersion reads projects/*/secrets/*/versions/*, and returns the secret,
// with the project's number, and the last part: a number, or an alias if those
// are allowed.
func parseVersion(name string, aliases bool) (secret, version string, err error) {
	secret, version, ok := strings.Cut(name, "/versions/")
	if !ok {
		return "", "", invalid("[%s] is not of the form projects/*/secrets/*/versions/*", name)
	}
	if secret, err = parseSecret(secret); err != nil {
		return "", "", err
	}
	if !number.MatchString(version) && (!aliases || !versionAlias.MatchString(version)) {
		return "", "", invalid("[%s] has a malformed version id", name)
	}
	return secret, version, nil
}

func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return invalid("more than %d labels", maxLabels)
	}
	for k, v := range labels {
		if !labelKey.MatchString(k) || len(k) > maxLabelBytes {
			return invalid("label key %q is malformed", k)
		}
		if !labelValue.MatchString(v) || len(v) > maxLabelBytes {
			return invalid("the value of label %q is malformed", k)
		}
	}
	return nil
}

func checkAnnotations(annotations map[string]string) error {
	size := 0
	for k, v := range annotations {
		if !annotationKey.MatchString(k) || !utf8.ValidString(v) {
			return invalid("annotation %q is malformed", k)
		}
		size += len(k) + len(v)
	}
	if size >= maxAnnotations {
		return invalid("annotations of %d bytes; there may be less than %d", size, maxAnnotations)
	}
	return nil
}

// checkAliases checks the aliases of a secret that has so many versions.
func checkAliases(aliases map[string]int64, versions int) error {
	if len(aliases) > maxAliases {
		return invalid("more than %d version aliases", maxAliases)
	}
	for alias, version := range aliases {
		if !versionAlias.MatchString(alias) || alias == "latest" || alias == "NEW" {
			return invalid("version alias %q is malformed", alias)
		}
		if version < 1 || version > int64(versions) {
			return invalid("version alias %q is of version %d, which never was", alias, version)
		}
	}
	return nil
}
