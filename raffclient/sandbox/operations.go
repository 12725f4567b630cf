package sandbox

// Operation is an operation of the API.
type Operation struct {
	ID         string // as in the API's description, such as createApiKey
	Method     string
	Path       string // "{name}" stands for one element
	Permission string // that the key's role must contain; "" is none
}

// Operations returns the operations of a sandbox.
func Operations() []Operation {
	var all []Operation
	for _, rt := range routes() {
		all = append(all, Operation{rt.id, rt.method, rt.path, rt.permission})
	}
	return all
}
