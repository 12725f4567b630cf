package raffclient

import "regexp"

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// IsUUID reports whether text is a UUID, as the API's IDs are.
func IsUUID(text string) bool { return uuidPattern.MatchString(text) }
