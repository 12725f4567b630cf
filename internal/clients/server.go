package clients

// A Server is what a client is to start.
type Server struct {
	Command string // an absolute path
	Args    []string
}
