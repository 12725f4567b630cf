package sandbox

// Operation is something that the API can be asked to do.
type Operation struct {
	ID         string // as the API's description names it, such as createApiKey
	Method     string
	Path       string // "{name}" stands for one element
	Permission string // what the key's role must hold; "" is nothing
}

// Operations returns everything that a sandbox can be asked to do.
func Operations() []Operation {
	var all []Operation
	for _, rt := range routes() {
		all = append(all, Operation{rt.id, rt.method, rt.path, rt.permission})
	}
	return all
}
