package confedit

// same reports whether a value that was read from a file equals one to be written.
func same(got, want any) bool {
	switch want := want.(type) {
	case Object:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for _, f := range want {
			if v, ok := got[f.Name]; !ok || !same(v, f.Value) {
				return false
			}
		}
		return true
	case []string:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if got[i] != any(want[i]) {
				return false
			}
		}
		return true
	case string:
		return got == any(want)
	case bool:
		return got == any(want)
	}
	return false
}
