package cli

// terminal does nothing: the scripts that use it are skipped on Windows.
func terminal() {}
